//! Replays of captured calls through a chain, without a server. Calls pass the chain as they do live, with their nested
//! messages, and questions and tasks are remembered between calls as the gateway does.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Call, Json, Limits, Message};
use sandgate_pipeline::{Admission, Admitted, Chain, Trail};

use crate::call::in_flight::{InFlight, Reply};
use crate::nested;
use crate::nested::store::NestedStore;
use sandgate_observe::{Arrival, CallRecorder, CapturedCall, Decision, NestedRun};

/// Replays calls, with a memory of questions and tasks of its own.
pub struct ReplaySession {
    nested: NestedStore,
}

/// The result of a replayed call.
pub struct ReplayResult {
    /// The interceptors' decisions.
    pub trail: Trail,
    /// The interceptor runs over the nested messages.
    pub within: Vec<NestedRun>,
    /// The call's outcome. A forwarded request whose reply is unknown counts as forwarded.
    pub decision: Decision,
    /// The params as forwarded; `None` if the call was not forwarded.
    pub sent: Option<Json>,
    /// The payload of the asker's reply, if there is one.
    pub left: Option<Json>,
}

impl ReplaySession {
    /// Creates a session with an empty memory. `limits` apply to each message.
    pub fn new(limits: Limits) -> Self {
        Self {
            nested: NestedStore::replayed(CallRecorder::unlogged(), limits),
        }
    }

    /// Replays a call through a chain. `reply` is the other side's reply, where it is known.
    pub async fn play(
        &self,
        chain: &Arc<Chain>,
        call: Call,
        message: Message,
        reply: Option<Message>,
    ) -> ReplayResult {
        let call = Arc::new(call);
        let capture = CapturedCall::new(&call, &message, chain);
        let mut arrival = self.nested.recorder.nested_arrival(Instant::now());
        arrival.capture = Some(Box::new(capture));
        let nested_runs = arrival.nested_runs().cloned().unwrap_or_default();
        let entry = nested::enter(&self.nested, chain, call, message, arrival.nested_runs());
        let admitted = match entry.await {
            Admission::Continue(admitted) => admitted,
            Admission::Refused(filtered) => {
                return ReplayResult {
                    trail: filtered.trail,
                    within: std::mem::take(&mut nested_runs.lock().runs),
                    decision: Decision::Refused,
                    sent: None,
                    left: filtered.message.map(|message| message.payload().clone()),
                };
            }
        };
        let (answer, params) = (admitted.answer(), admitted.message().payload().clone());
        let (decision, sent) = match answer {
            Some(_) => (Decision::Answered, None),
            None => (Decision::Forwarded, Some(params)),
        };
        let version = admitted.trail().version;
        let (entries, decision, left) = match answer.or(reply) {
            None => (admitted.end().entries, decision, None),
            Some(reply) => {
                let left = self.leave(admitted, arrival, reply, decision).await;
                let decision = match left.withheld {
                    true => Decision::Refused,
                    false => decision,
                };
                let payload = left.message.map(|message| message.payload().clone());
                (left.entries, decision, payload)
            }
        };
        ReplayResult {
            trail: Trail { version, entries },
            within: std::mem::take(&mut nested_runs.lock().runs),
            decision,
            sent,
            left,
        }
    }

    async fn leave(
        &self,
        admitted: Admitted,
        arrival: Arrival,
        reply: Message,
        decision: Decision,
    ) -> Reply {
        match InFlight::begin(&self.nested.recorder, admitted, arrival) {
            Ok(in_flight) => nested::leave(&self.nested, None, in_flight, reply, decision).await,
            // Unreachable: [`Unlogged`] never fails.
            Err(said) => Reply {
                message: said.map(|said| *said),
                withheld: true,
                interrupted: None,
                entries: Vec::new(),
            },
        }
    }
}
