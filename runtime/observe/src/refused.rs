//! The records of calls that were refused.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Call, Message};
use sandgate_pipeline::{FilteredReply, Trail};

use crate::arrival::Arrival;
use crate::call_log::{Decision, Ended, RefusedBy};
use crate::observer::CallTimings;
use crate::recorder::CallRecorder;

impl CallRecorder {
    /// Records a refused call of `request_bytes` bytes. Returns the reply for its asker.
    pub fn refused(
        &self,
        filtered: FilteredReply,
        request_bytes: usize,
        arrival: Arrival,
    ) -> Option<Message> {
        self.refusal(filtered, None, request_bytes, arrival)
    }

    /// As [`refused`](Self::refused), for a call that the gateway itself refused before any interceptor looked: by `rule`,
    /// where the rule has a name of its own. `version` is the chain's.
    pub fn refused_by(
        &self,
        (rule, version): (Option<&RefusedBy>, u64),
        call: Arc<Call>,
        reply: Option<Message>,
        request_bytes: usize,
        arrival: Arrival,
    ) -> Option<Message> {
        let filtered = FilteredReply {
            call,
            message: reply,
            trail: Trail {
                version,
                entries: Vec::new(),
            },
            withheld: true,
            overloaded: false,
            interrupted: None,
        };
        self.refusal(filtered, rule, request_bytes, arrival)
    }

    fn refusal(
        &self,
        filtered: FilteredReply,
        rule: Option<&RefusedBy>,
        request_bytes: usize,
        mut arrival: Arrival,
    ) -> Option<Message> {
        let FilteredReply {
            call,
            message,
            trail,
            overloaded,
            ..
        } = filtered;
        let decision = match overloaded {
            true => Decision::Overloaded,
            false => Decision::Refused,
        };
        let left = Instant::now();
        let record = Ended {
            refused_by: rule,
            ..Ended::of(
                &call,
                decision,
                &trail,
                request_bytes,
                message.as_ref(),
                left.duration_since(arrival.at),
            )
        };
        let timings = CallTimings {
            received: arrival.at,
            forwarded: None,
            answered: None,
            replied: left,
            trace: arrival.trace.as_deref(),
        };
        // A refused call was not forwarded and its asker is told so: there is nothing left that a missing record could
        // withhold.
        let _ = self.ended(&record, &timings, true);
        self.capture(&mut arrival, decision, &trail);
        message
    }
}
