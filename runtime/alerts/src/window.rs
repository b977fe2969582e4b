//! How many there were lately: counted by sixteenths of the time, in memory that never grows.

/// The parts of the time that are counted apart.
const PARTS: u64 = 16;
/// The parts, and the one that has just begun.
const SLOTS: usize = 17;

/// A count over the last while.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    slots: [u32; SLOTS],
    /// The number of the newest part.
    newest: u64,
    /// The length of a part in milliseconds.
    part: u64,
}

impl Window {
    /// A count over `within` milliseconds, and up to a sixteenth of that more.
    pub(crate) fn new(within: u64) -> Self {
        Self {
            slots: [0; SLOTS],
            newest: 0,
            part: within.div_ceil(PARTS).max(1),
        }
    }

    /// Counts one at `now`, in milliseconds. Returns how many there are.
    pub(crate) fn add(&mut self, now: u64) -> u64 {
        self.turn(now);
        let slot = &mut self.slots[place(self.newest)];
        *slot = slot.saturating_add(1);
        self.slots.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether there were none lately.
    pub(crate) fn is_empty(&mut self, now: u64) -> bool {
        self.turn(now);
        self.slots.iter().all(|count| *count == 0)
    }

    /// Forgets the parts that are over.
    fn turn(&mut self, now: u64) {
        let part = now / self.part;
        for gone in self.newest + 1..=part.min(self.newest + PARTS + 1) {
            self.slots[place(gone)] = 0;
        }
        self.newest = self.newest.max(part);
    }
}

fn place(part: u64) -> usize {
    usize::try_from(part % (PARTS + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_time_does_not_count() {
        let mut window = Window::new(16_000);
        assert_eq!((window.add(0), window.add(100)), (1, 2));
        assert_eq!(window.add(15_999), 3);
        assert_eq!(window.add(16_500), 4, "the first part counts to its end");
        assert_eq!(window.add(17_000), 3);
        assert!(!window.is_empty(32_999));
        assert!(window.is_empty(34_000));
        assert_eq!(window.add(1_000_000), 1);
    }

    #[test]
    fn a_clock_that_stands_still_or_a_very_short_time_does_no_harm() {
        let mut window = Window::new(1);
        for n in 1..100 {
            assert_eq!(window.add(7), n);
        }
        assert_eq!(window.add(7 + 17), 1);
    }
}
