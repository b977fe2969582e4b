//! Records every call, in the call log, whose failure may stop the call, and with the observers, which stop nothing.

use std::sync::Arc;
use std::time::Instant;

use sandgate_pipeline::Trail;

use crate::config::OnUnwritten;
use crate::observe::access_log::AccessLog;
use crate::observe::call_log::{CallLog, CallLogError, Decision, Ended};
use crate::observe::observer::{Arrival, CallTimings, Observers};

/// The call log and the observers, once per gateway.
pub(crate) struct CallRecorder {
    pub(crate) log: AccessLog,
    pub(crate) observers: Observers,
}

impl CallRecorder {
    pub(crate) fn new(
        log: Arc<dyn CallLog>,
        on_unwritten: OnUnwritten,
        observers: Observers,
    ) -> Arc<Self> {
        Arc::new(Self {
            log: AccessLog::new(log, on_unwritten),
            observers,
        })
    }

    /// Records the end of a call: with the observers always, in the call log if `logged`.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse.
    pub(crate) fn ended(
        &self,
        record: &Ended<'_>,
        timings: &CallTimings<'_>,
        logged: bool,
    ) -> Result<(), CallLogError> {
        self.observers.ended(record, timings);
        match logged {
            true => self.log.ended(record),
            false => Ok(()),
        }
    }

    /// Hands the capture of a call to the observer. The capture of an overloaded call is dropped: no interceptor judged
    /// it, so it says nothing about any policy.
    pub(crate) fn capture(&self, arrival: &mut Arrival, decision: Decision, trail: &Trail) {
        let judged = decision != Decision::Overloaded;
        if let Some(mut capture) = arrival.capture.take().filter(|_| judged) {
            capture.decision = decision;
            capture.trail = trail.clone();
            self.observers.take(capture);
        }
    }

    /// Registers the arrival of a nested message, which has no trace context of its own.
    pub(crate) fn nested_arrival(&self, at: Instant) -> Arrival {
        self.observers.within(at)
    }
}
