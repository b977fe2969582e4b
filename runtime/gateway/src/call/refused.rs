//! The records of calls that were refused.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Call, Message};
use sandgate_pipeline::{FilteredReply, Trail};

use crate::observe::call_log::{Decision, Ended, RefusedBy};
use crate::observe::observer::{Arrival, CallTimings};
use crate::observe::recorder::CallRecorder;

/// Records a refused call. Returns the reply for its asker.
pub(crate) fn record_refused(
    recorder: &CallRecorder,
    filtered: FilteredReply,
    request_bytes: usize,
    arrival: Arrival,
) -> Option<Message> {
    record_refusal(recorder, filtered, None, request_bytes, arrival)
}

/// As [`record_refused`], for a call that a rule of the gateway's own refused before any interceptor looked. `version` is
/// the chain's.
pub(crate) fn record_refused_by(
    recorder: &CallRecorder,
    (rule, version): (&RefusedBy, u64),
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
    record_refusal(recorder, filtered, Some(rule), request_bytes, arrival)
}

fn record_refusal(
    recorder: &CallRecorder,
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
    let _ = recorder.ended(&record, &timings, true);
    recorder.capture(&mut arrival, decision, &trail);
    message
}
