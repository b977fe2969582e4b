//! How many refused connections have records of their own: a program that tries without end does not fill the log.

use std::time::{Duration, Instant};

/// Records at once.
const BURST: u32 = 100;
/// The time in which there is room for one more.
const EACH: Duration = Duration::from_millis(500);

/// The pace of one server's refused connections.
#[derive(Debug)]
pub(crate) struct Pace {
    room: u32,
    since: Instant,
    left_out: u64,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            room: BURST,
            since: now,
            left_out: 0,
        }
    }

    /// The number of those left out before this one, if it has a record; `None`: it is left out.
    pub(crate) fn next(&mut self, now: Instant) -> Option<u64> {
        let more = now.duration_since(self.since).as_millis() / EACH.as_millis();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        if more > 0 {
            self.room = self.room.saturating_add(more).min(BURST);
            self.since = now;
        }
        match self.room {
            0 => {
                self.left_out += 1;
                None
            }
            _ => {
                self.room -= 1;
                Some(std::mem::take(&mut self.left_out))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_written() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let written = (0..1000).filter(|_| pace.next(now).is_some()).count();
        assert_eq!(written, 100);
        assert_eq!(pace.next(now + EACH), Some(900));
        assert_eq!(pace.next(now + EACH), None);
        let later = now + EACH * 1000;
        let written = (0..1000).filter(|_| pace.next(later).is_some()).count();
        assert_eq!(written, 100);
    }
}
