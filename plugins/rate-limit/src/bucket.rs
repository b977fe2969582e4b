//! A token bucket as one number: the time at which it is full again (the generic cell rate algorithm).
//!
//! Each call moves that time on by one interval. A bucket that would be full only after `burst` intervals is empty.

use std::time::Duration;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Nanoseconds in which one call comes back.
    interval: u64,
    /// Nanoseconds in which an empty bucket fills.
    fill: u64,
}

/// The time at which the bucket is full again, in nanoseconds since 1970; 0 for one that has never been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket(u64);

impl Pace {
    /// The longest time in which a bucket may fill: far from where 64 bits end.
    const LONGEST: u64 = 400 * 24 * 60 * 60 * 1_000_000_000;

    /// `calls` come back in `per`, and `burst` may be used at once. `None` where that is not representable.
    pub(crate) fn of(calls: u32, per: Duration, burst: u32) -> Option<Self> {
        let interval = u64::try_from(per.as_nanos()).ok()? / u64::from(calls.max(1));
        let fill = interval.checked_mul(u64::from(burst))?;
        (interval > 0 && fill > 0 && fill <= Self::LONGEST).then_some(Self { interval, fill })
    }

    /// The time in which one call comes back.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_nanos(self.interval)
    }
}

impl Bucket {
    /// The bucket of the state's bytes. Bytes that are none of ours are a full bucket.
    pub(crate) fn read(stored: Option<&[u8]>) -> Self {
        let bytes = stored.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        Self(bytes.map_or(0, u64::from_le_bytes))
    }

    /// The bytes for the state.
    pub(crate) fn written(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// The bucket with one call less.
    ///
    /// # Errors
    ///
    /// The bucket is empty: how long until there is one.
    pub(crate) fn take(self, pace: Pace, now: Duration) -> Result<Self, Duration> {
        let now = nanoseconds(now);
        // A clock that was set back, or a limit that was changed, must not shut a caller out for longer than an empty
        // bucket does.
        let full = self.0.clamp(now, now.saturating_add(pace.fill));
        let after = full.saturating_add(pace.interval);
        let is_empty = after - now > pace.fill;
        if is_empty {
            return Err(Duration::from_nanos(after - now - pace.fill));
        }
        Ok(Self(after))
    }

    /// How long until it is full.
    pub(crate) fn full_after(self, now: Duration) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(nanoseconds(now)))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn drained(pace: Pace, calls: usize) -> Bucket {
        (0..calls).fold(Bucket(0), |bucket, _| bucket.take(pace, NOW).unwrap())
    }

    #[test]
    fn a_burst_goes_through_and_then_one_an_interval() {
        let pace = Pace::of(60, Duration::from_secs(60), 10).unwrap();
        let empty = drained(pace, 10);
        assert_eq!(empty.take(pace, NOW), Err(Duration::from_secs(1)));
        let later = NOW + Duration::from_millis(999);
        assert_eq!(empty.take(pace, later), Err(Duration::from_millis(1)));
        let after = empty.take(pace, NOW + Duration::from_secs(1)).unwrap();
        assert!(after.take(pace, NOW + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn an_unused_bucket_holds_no_more_than_its_burst() {
        let pace = Pace::of(60, Duration::from_secs(60), 2).unwrap();
        let much_later = NOW + Duration::from_secs(86_400);
        let once = drained(pace, 2).take(pace, much_later).unwrap();
        let twice = once.take(pace, much_later).unwrap();
        assert!(twice.take(pace, much_later).is_err());
        assert_eq!(twice.full_after(much_later), Duration::from_secs(2));
    }

    #[test]
    fn a_clock_that_goes_back_shuts_nobody_out() {
        let pace = Pace::of(1, Duration::from_secs(10), 1).unwrap();
        let empty = drained(pace, 1);
        let years_before = NOW - Duration::from_secs(100_000_000);
        assert_eq!(
            empty.take(pace, years_before),
            Err(Duration::from_secs(10)),
            "no longer than an empty bucket"
        );
    }

    #[test]
    fn the_state_is_eight_bytes_and_nonsense_is_a_full_bucket() {
        let pace = Pace::of(1, Duration::from_secs(10), 1).unwrap();
        let empty = drained(pace, 1);
        assert_eq!(Bucket::read(Some(&empty.written())), empty);
        assert_eq!(Bucket::read(Some(b"nonsense!")), Bucket(0));
        assert_eq!(Bucket::read(None), Bucket(0));
    }

    #[test]
    fn a_pace_that_64_bits_do_not_hold_is_none() {
        let day = Duration::from_secs(86_400);
        assert_eq!(Pace::of(1, day, 1_000_000), None);
        assert_eq!(Pace::of(u32::MAX, Duration::from_nanos(1), 1), None);
        assert!(Pace::of(1_000_000, day, 1_000_000).is_some());
    }
}
