//! Calls whose reply arrives in a later message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sandgate_message::{Call, Message};
use sandgate_pipeline::{Chain, Continuation, TrailEntry};

use super::in_flight::InFlight;
use sandgate_observe::{CallRecorder, CallTimings, Decision, Ended};

/// A call whose reply arrives in a later message, or never. Dropping it unanswered records it as cancelled.
pub(crate) struct DeferredCall {
    recorder: Arc<CallRecorder>,
    call: Arc<Call>,
    message: Message,
    continuation: Continuation,
    started: Instant,
    request_bytes: usize,
    answered: AtomicBool,
}

impl DeferredCall {
    /// The message that the other side got.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    pub(crate) fn method(&self) -> &Arc<str> {
        &self.call.method
    }

    /// The interceptor runs that the reply added to those of the request.
    pub(crate) fn news<'a>(&self, entries: &'a [TrailEntry]) -> &'a [TrailEntry] {
        entries
            .get(self.continuation.trail().entries.len()..)
            .unwrap_or_default()
    }

    /// Whether the request passed this chain.
    pub(crate) fn is_of(&self, chain: &Arc<Chain>) -> bool {
        self.continuation.is_of(chain)
    }

    /// Resumes the call under `chain`, once its reply has arrived.
    pub(crate) fn resume(&self, chain: &Arc<Chain>) -> InFlight {
        self.answered.store(true, Ordering::Relaxed);
        let admitted = chain.resume(self.call.clone(), self.message.clone(), &self.continuation);
        let arrival = self.recorder.nested_arrival(self.started);
        let mut in_flight = InFlight::new(&self.recorder, admitted, arrival);
        in_flight.went = Some(self.started);
        in_flight
    }
}

impl Drop for DeferredCall {
    fn drop(&mut self) {
        if !self.answered.load(Ordering::Relaxed) {
            let left = Instant::now();
            let record = Ended::of(
                &self.call,
                Decision::Cancelled,
                self.continuation.trail(),
                self.request_bytes,
                None,
                left.duration_since(self.started),
            );
            let timings = CallTimings {
                received: self.started,
                forwarded: Some(self.started),
                answered: None,
                replied: left,
                trace: None,
            };
            // A cancelled call has no reply that a missing record could withhold.
            let _ = self.recorder.ended(&record, &timings, true);
        }
    }
}

impl InFlight {
    /// Turns the call into one whose reply arrives in a later message. `None` once the reply is being filtered.
    pub(crate) fn defer(mut self) -> Option<DeferredCall> {
        let continuation = self.admitted.take()?.keep();
        self.ended = true;
        Some(DeferredCall {
            recorder: self.recorder.clone(),
            call: self.call.clone(),
            message: self.message.clone(),
            continuation,
            started: self.arrival.at,
            request_bytes: self.request_bytes,
            answered: AtomicBool::new(false),
        })
    }
}
