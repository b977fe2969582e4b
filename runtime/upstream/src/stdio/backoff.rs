//! When a program that ended may be started again.

use std::time::Duration;

use tokio::time::Instant;

/// After the first failed start; doubled by each further one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause: short enough that a server mended by its operator is soon back.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between starts of one server. Only processes that end without ever having said anything count: a server
/// that one caller's request can crash must not be kept from all others.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// A process ended before it said anything.
    pub(crate) fn failed(&mut self) {
        let pause = FIRST
            .saturating_mul(1 << self.failures.min(20))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + pause);
    }

    /// A process said something.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long to wait before the next start.
    pub(crate) fn pause(&self) -> Duration {
        self.until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_cap_and_end_with_the_first_word() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.pause(), Duration::ZERO);
        backoff.failed();
        assert_eq!(backoff.pause(), FIRST);
        backoff.failed();
        assert_eq!(backoff.pause(), 2 * FIRST);
        for _ in 0..40 {
            backoff.failed();
        }
        assert_eq!(backoff.pause(), LONGEST);
        backoff.succeeded();
        assert_eq!(backoff.pause(), Duration::ZERO);
    }
}
