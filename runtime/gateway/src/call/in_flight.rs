//! Calls in flight. The call log gets one record before a call is forwarded and one before its reply is returned. A
//! call whose asker goes away in between is recorded as cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sandgate_message::{Call, Message};
use sandgate_pipeline::{
    Admitted, Chain, Continuation, FilteredReply, Interrupted, NestedMessages, Trail, TrailEntry,
};

use crate::call::error_reply;
use crate::observe::call_log::{CallLogError, Decision, Ended, Forwarded, RefusedBy};
use crate::observe::observer::{Arrival, CallTimings};
use crate::observe::recorder::CallRecorder;

/// A call between its two records. Dropping it before it ended records it as cancelled.
pub(crate) struct InFlight {
    recorder: Arc<CallRecorder>,
    call: Arc<Call>,
    message: Message,
    /// The admitted call; `None` once the reply is being filtered.
    admitted: Option<Admitted>,
    /// The trail so far, once the reply is being filtered: a call dropped in that time is recorded with it.
    trail: Trail,
    /// An interceptor's answer in place of the other side's reply.
    answer: Option<Message>,
    arrival: Arrival,
    /// When the call was forwarded; `None` if it was not.
    went: Option<Instant>,
    /// When the other side's reply, or the failure to get one, arrived.
    returned: Option<Instant>,
    request_bytes: usize,
    /// Whether the call log gets a record; `false` for a notification over the budget.
    recorded: bool,
    /// The stop that ended the call.
    stopped: Option<RefusedBy>,
    ended: bool,
}

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
    fn new(recorder: &Arc<CallRecorder>, admitted: Admitted, arrival: Arrival) -> Self {
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
        if recorder.log.forwarded(&record).is_ok() {
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
        let record = Ended {
            server: self.went.map(server),
            refused_by: self.stopped.as_ref(),
            ..ended(
                &self.call,
                decision,
                &self.trail,
                self.request_bytes,
                reply,
                reply_bytes,
                left.duration_since(self.arrival.at),
            )
        };
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
        InFlight {
            recorder: self.recorder.clone(),
            call: self.call.clone(),
            message: self.message.clone(),
            trail: Trail {
                version: admitted.trail().version,
                entries: Vec::new(),
            },
            admitted: Some(admitted),
            answer: None,
            arrival: self.recorder.nested_arrival(self.started),
            went: Some(self.started),
            returned: None,
            request_bytes: self.request_bytes,
            recorded: true,
            stopped: None,
            ended: false,
        }
    }
}

impl Drop for DeferredCall {
    fn drop(&mut self) {
        if !self.answered.load(Ordering::Relaxed) {
            let left = Instant::now();
            let record = ended(
                &self.call,
                Decision::Cancelled,
                self.continuation.trail(),
                self.request_bytes,
                None,
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

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            self.take_trail();
            // A cancelled call has no reply that a missing record could withhold.
            let _ = self.finish(Decision::Cancelled, None, None);
        }
    }
}

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
        ..ended(
            &call,
            decision,
            &trail,
            request_bytes,
            message.as_ref(),
            None,
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

fn ended<'a>(
    call: &'a Call,
    decision: Decision,
    trail: &'a Trail,
    request_bytes: usize,
    reply: Option<&'a Message>,
    reply_bytes: Option<usize>,
    took: Duration,
) -> Ended<'a> {
    Ended {
        call,
        at: SystemTime::now(),
        decision,
        trail,
        request_bytes,
        reply_bytes: reply_bytes.or_else(|| reply.map(|reply| reply.bytes().len())),
        failed: reply.is_some_and(Message::failed),
        reply: reply.map(Message::payload),
        took,
        server: None,
        refused_by: None,
    }
}
