//! Calls in flight. The call log gets one record before a call is forwarded and one before its reply is returned. A
//! call whose asker goes away in between is recorded as cancelled.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use sandgate_message::{Call, Message};
use sandgate_pipeline::{
    Admitted, Chain, Continuation, FilteredReply, Interrupted, NestedMessages, Trail, TrailEntry,
};

use crate::call::error_reply;
use sandgate_observe::{
    Arrival, CallLogError, CallRecorder, CallTimings, Decision, Ended, Forwarded, RefusedBy,
};

/// A call between its two records. Dropping it before it ended records it as cancelled.
pub(crate) struct InFlight {
    pub(super) recorder: Arc<CallRecorder>,
    pub(super) call: Arc<Call>,
    pub(super) message: Message,
    /// The admitted call; `None` once the reply is being filtered.
    pub(super) admitted: Option<Admitted>,
    /// The trail so far, once the reply is being filtered: a call dropped in that time is recorded with it.
    pub(super) trail: Trail,
    /// An interceptor's answer in place of the other side's reply.
    pub(super) answer: Option<Message>,
    pub(super) arrival: Arrival,
    /// When the call was forwarded; `None` if it was not.
    pub(super) went: Option<Instant>,
    /// When the other side's reply, or the failure to get one, arrived.
    pub(super) returned: Option<Instant>,
    pub(super) request_bytes: usize,
    /// Whether the call log gets a record; `false` for a notification over the budget.
    pub(super) recorded: bool,
    /// The stop that ended the call.
    pub(super) stopped: Option<RefusedBy>,
    pub(super) ended: bool,
}

/// A reply after every interceptor.
pub(crate) struct Reply {
    /// The message that the asker gets.
    pub(crate) message: Option<Message>,
    /// Whether the message stands in place of the other side's reply.
    pub(crate) withheld: bool,
    /// The interceptor that stopped the reply.
    pub(crate) interrupted: Option<Interrupted>,
    /// Every interceptor run of the call.
    pub(crate) entries: Vec<TrailEntry>,
}

impl InFlight {
    /// An admitted call, before its first record.
    pub(super) fn new(recorder: &Arc<CallRecorder>, admitted: Admitted, arrival: Arrival) -> Self {
        Self {
            recorder: recorder.clone(),
            call: admitted.call().clone(),
            message: admitted.message().clone(),
            request_bytes: admitted.message().bytes().len(),
            trail: Trail {
                version: admitted.trail().version,
                entries: Vec::new(),
            },
            answer: admitted.answer(),
            admitted: Some(admitted),
            arrival,
            went: None,
            returned: None,
            recorded: true,
            stopped: None,
            ended: false,
        }
    }

    /// Writes the record that the call is forwarded. A call that an interceptor answers is not forwarded: only its end
    /// is recorded.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse. The error is the reply for the asker; `None` for a
    /// notification.
    pub(crate) fn begin(
        recorder: &Arc<CallRecorder>,
        admitted: Admitted,
        arrival: Arrival,
    ) -> Result<Self, Option<Box<Message>>> {
        let mut in_flight = Self::new(recorder, admitted, arrival);
        if in_flight.answer.is_some() {
            return Ok(in_flight);
        }
        let record = Forwarded {
            call: &in_flight.call,
            at: SystemTime::now(),
            request_bytes: in_flight.request_bytes,
            params: in_flight.message.payload(),
        };
        if recorder.forwarded(&record).is_ok() {
            in_flight.went = Some(Instant::now());
            return Ok(in_flight);
        }
        let id = in_flight.message.id();
        let refusal = id.map(|id| Box::new(error_reply::unwritten(id, &in_flight.call, false)));
        in_flight.take_trail();
        let _ = in_flight.finish(Decision::Failed, None, refusal.as_deref());
        Err(refusal)
    }

    /// Begins a notification that is forwarded without records.
    pub(crate) fn begin_unrecorded(
        recorder: &Arc<CallRecorder>,
        admitted: Admitted,
        arrival: Arrival,
    ) -> Self {
        let mut in_flight = Self::new(recorder, admitted, arrival);
        in_flight.recorded = false;
        in_flight.went = Some(Instant::now());
        in_flight
    }

    /// The call, as every interceptor left it.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }
    /// The message that the other side gets.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    /// The call's arrival: its time and its trace context.
    pub(crate) fn arrival(&self) -> &Arrival {
        &self.arrival
    }
    /// The interceptor runs so far; empty once the reply is being filtered.
    pub(crate) fn entries(&self) -> &[TrailEntry] {
        let admitted = self.admitted.as_ref();
        admitted.map_or(&[], |admitted| &admitted.trail().entries)
    }
    /// Notes the stop that ended the call, and whether the server may have got it.
    pub(crate) fn refused_by(&mut self, rule: RefusedBy, began: bool) {
        self.stopped = Some(rule);
        if !began {
            self.went = None;
        }
    }
    /// Takes the answer that an interceptor gave in place of the other side's reply.
    pub(crate) fn take_answer(&mut self) -> Option<Message> {
        self.answer.take()
    }

    /// Runs the reply through every interceptor and writes the second record. `decision` is what is recorded unless an
    /// interceptor withholds the reply or the gateway is overloaded.
    pub(crate) async fn leave(self, reply: Message, decision: Decision) -> Reply {
        self.leave_with(reply, decision, None).await
    }

    /// As [`leave`](Self::leave), for a reply with nested messages.
    pub(crate) async fn leave_with(
        mut self,
        reply: Message,
        decision: Decision,
        within: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Reply {
        let Some(admitted) = self.admitted.take() else {
            return Reply {
                message: None,
                withheld: true,
                interrupted: None,
                entries: Vec::new(),
            };
        };
        self.returned = self.went.map(|_| Instant::now());
        self.trail = admitted.trail().clone();
        if let (Some(capture), true) = (&mut self.arrival.capture, self.went.is_some()) {
            capture.reply = Some(reply.clone());
        }
        let FilteredReply {
            message,
            trail,
            withheld,
            overloaded,
            interrupted,
            ..
        } = admitted.leave_with(reply, within).await;
        self.trail = trail;
        let decision = match (withheld, overloaded) {
            (_, true) => Decision::Overloaded,
            (true, false) => Decision::Refused,
            (false, false) => decision,
        };
        let finished = self.finish(decision, None, message.as_ref());
        let entries = std::mem::take(&mut self.trail.entries);
        match finished {
            Ok(()) => Reply {
                message,
                withheld,
                interrupted,
                entries,
            },
            Err(_) => {
                let id = message.as_ref().and_then(Message::id);
                Reply {
                    message: id.map(|id| error_reply::unwritten(id, &self.call, true)),
                    withheld: true,
                    interrupted: None,
                    entries,
                }
            }
        }
    }

    /// The chain that admitted the call; `None` once the reply is being filtered.
    pub(crate) fn chain(&self) -> Option<&Arc<Chain>> {
        self.admitted.as_ref().map(Admitted::chain)
    }

    /// A continuation, with which later replies to this call can pass the interceptors; `None` once the reply is being
    /// filtered.
    pub(crate) fn keep(&self) -> Option<Continuation> {
        self.admitted.as_ref().map(Admitted::keep)
    }

    /// Ends a call whose reply no interceptor sees: a notification, or an answer that is not JSON-RPC.
    ///
    /// # Errors
    ///
    /// The record cannot be written, and what came back must be withheld.
    pub(crate) fn end(
        mut self,
        decision: Decision,
        reply_bytes: Option<usize>,
    ) -> Result<(), CallLogError> {
        self.returned = self.went.map(|_| Instant::now());
        self.take_trail();
        self.finish(decision, reply_bytes, None)
    }

    fn take_trail(&mut self) {
        if let Some(admitted) = self.admitted.take() {
            self.trail = admitted.end();
        }
    }

    fn finish(
        &mut self,
        decision: Decision,
        reply_bytes: Option<usize>,
        reply: Option<&Message>,
    ) -> Result<(), CallLogError> {
        self.ended = true;
        let left = Instant::now();
        let server = |went| self.returned.unwrap_or(left).duration_since(went);
        let mut record = Ended {
            server: self.went.map(server),
            refused_by: self.stopped.as_ref(),
            ..Ended::of(
                &self.call,
                decision,
                &self.trail,
                self.request_bytes,
                reply,
                left.duration_since(self.arrival.at),
            )
        };
        record.reply_bytes = reply_bytes.or(record.reply_bytes);
        let timings = CallTimings {
            received: self.arrival.at,
            forwarded: self.went,
            answered: self.returned,
            replied: left,
            trace: self.arrival.trace.as_deref(),
        };
        let written = self.recorder.ended(&record, &timings, self.recorded);
        self.recorder
            .capture(&mut self.arrival, decision, &self.trail);
        written
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            self.take_trail();
            // A cancelled call has no reply that a missing record could withhold.
            let _ = self.finish(Decision::Cancelled, None, None);
        }
    }
}
