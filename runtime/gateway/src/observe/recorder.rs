//! What every call is recorded by: the call log, whose failure may stop the call, and the observers, which stop nothing.

use std::sync::Arc;
use std::time::Instant;

use sandgate_pipeline::Trail;

use crate::config::OnUnwritten;
use crate::observe::access_log::AccessLog;
use crate::observe::call_log::{CallLog, CallLogError, Decision, Ended};
use crate::observe::observer::{Arrival, CallTimings, Observers};

/// The call log and the observers. One for the whole gateway.
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

    /// Records the end of a call: for the observers always, in the log where `logged`.
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

    /// Hands the whole exchange to an observer that wanted it. An overloaded gateway judged nothing: such an exchange says
    /// nothing of any policy, and is not handed over.
    pub(crate) fn capture(&self, arrival: &mut Arrival, decision: Decision, trail: &Trail) {
        let judged = decision != Decision::Overloaded;
        if let Some(mut capture) = arrival.capture.take().filter(|_| judged) {
            capture.decision = decision;
            capture.trail = trail.clone();
            self.observers.take(capture);
        }
    }

    /// A message within another arrives: it has no place in a trace of its own.
    pub(crate) fn nested_arrival(&self, at: Instant) -> Arrival {
        self.observers.within(at)
    }
}
