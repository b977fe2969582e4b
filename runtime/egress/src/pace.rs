//! A pace: so many at once, and then one after each so much time.

use std::time::{Duration, Instant};

/// What goes on at a pace. What does not is counted.
#[derive(Debug)]
pub(crate) struct Pace {
    at_once: u32,
    each: Duration,
    room: u32,
    since: Instant,
    left_out: u64,
}

impl Pace {
    pub(crate) fn new(at_once: u32, each: Duration, now: Instant) -> Self {
        Self {
            at_once,
            each,
            room: at_once,
            since: now,
            left_out: 0,
        }
    }

    /// The number of those left out before this one, if it goes on; `None`: it is left out.
    pub(crate) fn next(&mut self, now: Instant) -> Option<u64> {
        let more = now.duration_since(self.since).as_micros() / self.each.as_micros().max(1);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        if more > 0 {
            self.room = self.room.saturating_add(more).min(self.at_once);
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
    fn a_flood_is_counted_and_does_not_go_on() {
        let (now, each) = (Instant::now(), Duration::from_millis(500));
        let mut pace = Pace::new(100, each, now);
        let went = (0..1000).filter(|_| pace.next(now).is_some()).count();
        assert_eq!(went, 100);
        assert_eq!(pace.next(now + each), Some(900));
        assert_eq!(pace.next(now + each), None);
        let later = now + each * 1000;
        let went = (0..1000).filter(|_| pace.next(later).is_some()).count();
        assert_eq!(went, 100);
    }
}
