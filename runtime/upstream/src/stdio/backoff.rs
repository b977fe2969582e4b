//! The backoff between starts of a program that ended.

use std::time::Duration;

use tokio::time::Instant;

/// The pause after the first failed start, doubled by each further one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause: short enough that a repaired server is soon back.
const LONGEST: Duration = Duration::from_secs(30);

/// The backoff between starts of one server. Only processes that end before their first message count: a server that
/// one caller's request crashes must stay available to all others.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Notes that a process ended before its first message.
    pub(crate) fn failed(&mut self) {
        let pause = FIRST
            .saturating_mul(1 << self.failures.min(20))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + pause);
    }

    /// Notes that a process sent a message.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The time to wait before the next start.
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
