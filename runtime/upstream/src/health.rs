//! How a server is, as far as its conversations have shown.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::ServerError;

/// How a server is at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The last time that it let the gateway down, however long ago.
    pub last_failure: Option<Failure>,
    /// Since when it has let the gateway down each time; none: it answered last, or was never asked.
    pub failing_since: Option<SystemTime>,
    /// Child processes that run now; 0 for a server reached by HTTP.
    pub children: usize,
    /// Requests under way with it, subscriptions aside.
    pub under_way: usize,
    /// What it sent that was dropped, because it belongs to nothing that the server was asked: replies to other requests,
    /// notifications about what is another server's, events that are not MCP's.
    pub dropped: u64,
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it was noticed.
    pub at: SystemTime,
    /// What failed. Never repeats a payload.
    pub what: String,
}

/// What is kept between two looks.
#[derive(Debug, Default)]
pub(super) struct HealthState {
    /// Read at every answer, so that a server that is well costs no lock.
    failing: AtomicBool,
    failures: Mutex<(Option<Failure>, Option<SystemTime>)>,
    children: AtomicUsize,
    dropped: AtomicU64,
}

impl HealthState {
    /// It answered.
    pub(super) fn well(&self) {
        if self.failing.load(Ordering::Relaxed) {
            let mut failures = self.failures.lock();
            failures.1 = None;
            self.failing.store(false, Ordering::Relaxed);
        }
    }

    /// Something failed; whether that says anything about the server is judged here.
    pub(super) fn failed(&self, error: &ServerError) {
        use ServerError as E;
        match error {
            E::NotFound { .. }
            | E::Start { .. }
            | E::Exited { .. }
            | E::BackingOff { .. }
            | E::Unreachable { .. }
            | E::Timeout { .. }
            | E::Garbage { .. }
            | E::TooLarge { .. }
            | E::Unauthorised { .. }
            | E::Cut { .. } => self.ill(error.detail()),
            // The client's doing, or the gateway's own.
            E::SessionGone { .. }
            | E::WrongEra { .. }
            // Nobody asked it.
            | E::Starting { .. }
            | E::Down { .. }
            | E::IdInUse { .. }
            | E::Busy { .. }
            | E::Memory { .. }
            | E::Crowded { .. }
            | E::Unread { .. }
            | E::Cancelled { .. }
            | E::Closed { .. } => {}
        }
    }

    /// It let the gateway down.
    pub(super) fn ill(&self, what: String) {
        let at = SystemTime::now();
        let mut failures = self.failures.lock();
        failures.0 = Some(Failure { at, what });
        failures.1.get_or_insert(at);
        self.failing.store(true, Ordering::Relaxed);
    }

    /// It sent something that belongs to nothing that it was asked.
    pub(crate) fn dropped(&self, server: &str, what: &str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(server, "dropped: {what}");
    }

    /// A child process runs from here on.
    pub(super) fn child_started(&self) {
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    /// It is gone.
    pub(super) fn child_ended(&self) {
        self.children.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn look(&self, under_way: usize) -> Health {
        let (last_failure, failing_since) = self.failures.lock().clone();
        Health {
            last_failure,
            failing_since,
            children: self.children.load(Ordering::Relaxed),
            under_way,
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut() -> ServerError {
        ServerError::Cut { server: "s".into() }
    }

    #[test]
    fn failures_in_a_row_are_dated_from_the_first_and_an_answer_ends_them() {
        let vitals = HealthState::default();
        assert_eq!(vitals.look(0), Health::default());
        vitals.failed(&cut());
        let first = vitals.look(0).failing_since.unwrap();
        vitals.ill("it answered 503".into());
        let health = vitals.look(2);
        assert_eq!(health.failing_since, Some(first));
        assert_eq!(health.last_failure.unwrap().what, "it answered 503");
        assert_eq!(health.under_way, 2);
        vitals.well();
        let health = vitals.look(0);
        assert_eq!(health.failing_since, None);
        assert!(health.last_failure.is_some());
    }

    #[test]
    fn what_is_not_the_servers_fault_says_nothing_about_it() {
        let vitals = HealthState::default();
        vitals.failed(&ServerError::Cancelled { server: "s".into() });
        vitals.failed(&ServerError::Busy {
            server: "s".into(),
            limit: 1,
        });
        assert_eq!(vitals.look(0), Health::default());
    }
}
