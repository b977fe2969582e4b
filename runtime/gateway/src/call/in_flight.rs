//! A call between its two records: one is written before the call is forwarded, the other before its reply departs. A call
//! whose asker goes away in between is recorded as cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sandgate_message::{Call, Message};
use sandgate_pipeline::{
    Admitted, Chain, Continuation, FilteredReply, Interrupted, NestedMessages, Trail, TrailEntry,
};

use crate::call::error_reply;
use crate::observe::call_log::{CallLogError, Decision, Ended, Forwarded};
use crate::observe::observer::{Arrival, CallTimings};
use crate::observe::recorder::CallRecorder;

/// A call between its two records. Dropped without having ended, it is recorded as cancelled.
pub(crate) struct InFlight {
    recorder: Arc<CallRecorder>,
    call: Arc<Call>,
    message: Message,
    /// Gone once the call is leaving.
    admitted: Option<Admitted>,
    /// What stood in the trail when the call began to leave: for a record of one that never finished.
    trail: Trail,
    answer: Option<Message>,
    arrival: Arrival,
    /// When it went on to the other side.
    went: Option<Instant>,
    /// When the other side's reply, or the news that there is none, came.
    returned: Option<Instant>,
    request_bytes: usize,
    /// False: a notification that is left out of the log.
    recorded: bool,
    ended: bool,
}

/// A call whose reply comes in a message of its own, or never. Dropped unanswered, it is recorded as cancelled.
pub(crate) struct DeferredCall {
    recorder: Arc<CallRecorder>,
    call: Arc<Call>,
    message: Message,
    continuation: Continuation,
    started: Instant,
    request_bytes: usize,
    answered: AtomicBool,
}

/// What is left of a reply after every interceptor.
pub(crate) struct Reply {
    /// What the asker gets.
    pub(crate) message: Option<Message>,
    /// It is not what the other side said.
    pub(crate) withheld: bool,
    /// The interceptor that stopped it.
    pub(crate) interrupted: Option<Interrupted>,
    /// Every run.
    pub(crate) entries: Vec<TrailEntry>,
}

impl InFlight {
    /// A call that the interceptors let pass, before its first record.
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
            ended: false,
        }
    }

    /// Records that the call goes on. A call that an interceptor answers is not forwarded: only its end is recorded.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse. The error is what the asker is told; none for a
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

    /// A notification that passes without records of its own.
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

    /// Who calls what, after every interceptor.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }
    /// What the other side gets.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    /// When it came, and its place in a trace.
    pub(crate) fn arrival(&self) -> &Arrival {
        &self.arrival
    }
    /// Every run so far; none once it is leaving.
    pub(crate) fn entries(&self) -> &[TrailEntry] {
        let admitted = self.admitted.as_ref();
        admitted.map_or(&[], |admitted| &admitted.trail().entries)
    }
    /// What an interceptor put in place of the other side's reply.
    pub(crate) fn take_answer(&mut self) -> Option<Message> {
        self.answer.take()
    }

    /// The reply leaves through every interceptor; what comes out is what the asker gets. `decision` is what became of
    /// the call if no interceptor withholds the reply.
    pub(crate) async fn leave(self, reply: Message, decision: Decision) -> Reply {
        self.leave_with(reply, decision, None).await
    }

    /// The same for a reply that carries other messages.
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

    /// The chain that the call entered; none once it is leaving.
    pub(crate) fn chain(&self) -> Option<&Arc<Chain>> {
        self.admitted.as_ref().map(Admitted::chain)
    }

    /// What it takes to let further replies to this call pass, after the first.
    pub(crate) fn keep(&self) -> Option<Continuation> {
        self.admitted.as_ref().map(Admitted::keep)
    }

    /// Its reply comes in a message of its own.
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

    /// Nothing that interceptors look at comes back: a notification, or an answer that is no JSON-RPC. The error says
    /// that what came back must be withheld.
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
    /// What the other side got.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    pub(crate) fn method(&self) -> &Arc<str> {
        &self.call.method
    }

    /// The runs that its reply adds to those of its own.
    pub(crate) fn news<'a>(&self, entries: &'a [TrailEntry]) -> &'a [TrailEntry] {
        entries
            .get(self.continuation.trail().entries.len()..)
            .unwrap_or_default()
    }

    /// It passed this chain.
    pub(crate) fn is_of(&self, chain: &Arc<Chain>) -> bool {
        self.continuation.is_of(chain)
    }

    /// Its reply is there, and passes under this chain.
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
            // Nobody is left to be refused.
            let _ = self.recorder.ended(&record, &timings, true);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.ended {
            self.take_trail();
            // Nobody is left to be refused.
            let _ = self.finish(Decision::Cancelled, None, None);
        }
    }
}

/// Records a call that did not go on, and hands back what its asker is told.
pub(crate) fn record_refused(
    recorder: &CallRecorder,
    filtered: FilteredReply,
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
    let record = ended(
        &call,
        decision,
        &trail,
        request_bytes,
        message.as_ref(),
        None,
        left.duration_since(arrival.at),
    );
    let timings = CallTimings {
        received: arrival.at,
        forwarded: None,
        answered: None,
        replied: left,
        trace: arrival.trace.as_deref(),
    };
    // The call went nowhere and its asker learns so: there is nothing that a missing record could still stop.
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
    }
}
