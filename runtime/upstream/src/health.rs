//! The health of a server, as its conversations have shown.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use sandgate_contain::InForce;

use super::ServerError;

/// The health of a server at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The last failure of the server, however long ago.
    pub last_failure: Option<Failure>,
    /// When the current row of failures began; `None` if the server answered last, or was never asked.
    pub failing_since: Option<SystemTime>,
    /// The number of running child processes; 0 for an HTTP server.
    pub children: usize,
    /// The number of requests in flight, without subscriptions.
    pub under_way: usize,
    /// The number of messages of the server that were dropped because they belong to no request: replies to other
    /// requests, notifications about something of another server, events that are not MCP's.
    pub dropped: u64,
    /// What the kernel said was in force for the program that was started last; `None` if none was, or it is not
    /// contained.
    pub in_force: Option<InForce>,
}

/// A failure of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The time at which the failure was noticed.
    pub at: SystemTime,
    /// The reason for the failure. It never repeats a payload.
    pub what: String,
}

/// The health counters of a server.
#[derive(Debug, Default)]
pub(super) struct HealthState {
    /// Read at every answer, so that a healthy server takes no lock.
    failing: AtomicBool,
    failures: Mutex<(Option<Failure>, Option<SystemTime>)>,
    children: AtomicUsize,
    dropped: AtomicU64,
    in_force: Mutex<Option<InForce>>,
}

impl HealthState {
    /// Notes that the server answered.
    pub(super) fn well(&self) {
        if self.failing.load(Ordering::Relaxed) {
            let mut failures = self.failures.lock();
            failures.1 = None;
            self.failing.store(false, Ordering::Relaxed);
        }
    }

    /// Notes an error, if it says something about the server.
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
            // Caused by the client or by the gateway itself.
            E::SessionGone { .. }
            | E::WrongEra { .. }
            // The server was not asked.
            | E::Starting { .. }
            | E::Down { .. }
            | E::Stopped { .. }
            | E::IdInUse { .. }
            | E::Busy { .. }
            | E::Memory { .. }
            | E::Crowded { .. }
            | E::Unread { .. }
            | E::Cancelled { .. }
            | E::Exchange { .. }
            | E::Closed { .. } => {}
        }
    }

    /// Notes a failure of the server.
    pub(crate) fn ill(&self, what: String) {
        let at = SystemTime::now();
        let mut failures = self.failures.lock();
        failures.0 = Some(Failure { at, what });
        failures.1.get_or_insert(at);
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Notes a message that belongs to no request and was dropped.
    pub(crate) fn dropped(&self, server: &str, what: &str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(server, "dropped: {what}");
    }

    /// Notes what is in force for a program that begins.
    pub(crate) fn contained(&self, in_force: InForce) {
        *self.in_force.lock() = Some(in_force);
    }

    /// Notes that a child process has started.
    pub(super) fn child_started(&self) {
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a child process is gone.
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
            in_force: self.in_force.lock().clone(),
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
