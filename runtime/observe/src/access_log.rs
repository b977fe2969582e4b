//! Writes to the call log, and the policy for a record that cannot be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::call_log::{CallLog, CallLogError, Ended, Forwarded, LeftOut};

/// The interval between reports of failed writes in the gateway's own log. A full disk fails the record of every call.
const ERROR_INTERVAL: Duration = Duration::from_secs(1);

/// The policy for a call whose record cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnwritten {
    /// Refuse: the call is not forwarded, or its reply is withheld.
    #[default]
    Refuse,
    /// Continue: the call goes on, and the loss is logged.
    Continue,
}

/// Writes records. An error means that the record could not be written and that the call must be stopped.
pub(crate) struct AccessLog {
    log: Arc<dyn CallLog>,
    /// Whether a call whose record cannot be written is refused.
    refuses: AtomicBool,
    errors: Mutex<ReportedErrors>,
}

#[derive(Default)]
struct ReportedErrors {
    last: Option<Instant>,
    /// The number of errors since the last reported one.
    since: u64,
}

impl AccessLog {
    pub(crate) fn new(log: Arc<dyn CallLog>, on_unwritten: OnUnwritten) -> Self {
        Self {
            log,
            refuses: AtomicBool::new(on_unwritten == OnUnwritten::Refuse),
            errors: Mutex::default(),
        }
    }

    /// Changes the policy for records that cannot be written, for records from now on.
    pub(crate) fn set_on_unwritten(&self, on_unwritten: OnUnwritten) {
        let refuses = on_unwritten == OnUnwritten::Refuse;
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Records that a call is about to be forwarded.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse.
    pub(crate) fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError> {
        self.judge(self.log.forwarded(record))
    }

    /// Records that a call has ended.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse.
    pub(crate) fn ended(&self, record: &Ended<'_>) -> Result<(), CallLogError> {
        self.judge(self.log.ended(record))
    }

    /// Records how many notifications were left out. A failure is only reported: the notifications were already
    /// forwarded.
    pub(crate) fn left_out(&self, record: &LeftOut<'_>) {
        let _ = self.judge(self.log.left_out(record));
    }

    fn judge(&self, written: Result<(), CallLogError>) -> Result<(), CallLogError> {
        let Err(error) = written else {
            return Ok(());
        };
        let refuses = self.refuses.load(Ordering::Relaxed);
        self.report(refuses, &error);
        if refuses { Err(error) } else { Ok(()) }
    }

    fn report(&self, refuses: bool, error: &CallLogError) {
        let mut errors = self.errors.lock();
        if errors
            .last
            .is_some_and(|last| last.elapsed() < ERROR_INTERVAL)
        {
            errors.since += 1;
            return;
        }
        let others = std::mem::take(&mut errors.since);
        errors.last = Some(Instant::now());
        drop(errors);
        let policy = match refuses {
            true => OnUnwritten::Refuse,
            false => OnUnwritten::Continue,
        };
        tracing::error!(?policy, others, "{error}");
    }
}
