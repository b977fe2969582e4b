//! The rate limit of a client's HTTP requests.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A rate limit and its use. An idle client may make the requests of one second at once.
pub struct Rate {
    per_second: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

impl Rate {
    /// A limit of `per_second` requests per second.
    pub fn per_second(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            limiter: RateLimiter::direct(Quota::per_second(per_second)),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    ///
    /// The limit is reached; the error is the time to wait before the next try.
    pub fn check(&self) -> Result<(), Duration> {
        let now = DefaultClock::default().now();
        self.limiter
            .check()
            .map_err(|not_yet| not_yet.wait_time_from(now))
    }
}

impl PartialEq for Rate {
    /// Compares the rates, not their use.
    fn eq(&self, other: &Self) -> bool {
        self.per_second == other.per_second
    }
}
impl Eq for Rate {}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_of_requests_may_come_at_once_and_then_they_wait() {
        let rate = Rate::per_second(5.try_into().unwrap());
        for _ in 0..5 {
            assert_eq!(rate.check(), Ok(()));
        }
        let wait = rate.check().unwrap_err();
        assert!(wait <= Duration::from_millis(200) && !wait.is_zero());
    }
}
