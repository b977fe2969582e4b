//! The way in through the interceptors, for messages that may carry nested ones. Any other message pays only for a look at
//! its outermost members.

use std::pin::{Pin, pin};
use std::sync::Arc;

use sandgate_admission::Overloaded;
use sandgate_message::{Call, CallId, Direction, Hook, Message};
use sandgate_observe::SharedNestedRuns;
use sandgate_pipeline::{Admission, Chain, FilteredReply, Trail};

use crate::call::error_reply;
use crate::nested::outer::Outer;
use crate::nested::pass::{Document, NestedPass};
use crate::nested::store::NestedStore;

/// Runs a request or notification through the interceptors, once it is its turn.
pub(crate) async fn enter(
    nested: &NestedStore,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    nested_runs: Option<&SharedNestedRuns>,
) -> Admission {
    let carries = params_carry(&message);
    if !carries && !judged(chain, &call) {
        return chain.enter(call, message).await;
    }
    let (asker, id) = (call.clone(), message.id().cloned());
    // Few messages carry nested ones: boxing their future keeps that of every other call small.
    let entry = match carries {
        false => turn(nested, &asker, pin!(chain.enter(call, message))).await,
        true => {
            let mut entry = Box::pin(enter_with(nested, chain, call, message, nested_runs));
            turn(nested, &asker, entry.as_mut()).await
        }
    };
    entry.unwrap_or_else(|Overloaded| {
        Admission::Refused(FilteredReply {
            message: id.map(|id| error_reply::overloaded(&asker).with_id(&id)),
            call: asker,
            trail: Trail {
                version: chain.version(),
                entries: Vec::new(),
            },
            withheld: true,
            overloaded: true,
            interrupted: None,
        })
    })
}

/// Waits for the message's turn. Only clients' messages are refused under overload; servers' messages wait.
async fn turn(
    nested: &NestedStore,
    call: &Call,
    entry: Pin<&mut (impl Future<Output = Admission> + Send)>,
) -> Result<Admission, Overloaded> {
    match call.direction {
        Direction::ClientToServer => {
            let in_flight = nested.recorder.in_flight();
            nested.gate.come_in(&call.account, in_flight, entry).await
        }
        Direction::ServerToClient => Ok(nested.gate.go_on(&call.account, entry).await),
    }
}

/// Whether an interceptor judges the message or its reply.
fn judged(chain: &Chain, call: &Call) -> bool {
    [Hook::PreCall, Hook::PostCall]
        .into_iter()
        .any(|hook| chain.concerns(hook, &call.method, call.direction, &call.server))
}

/// Runs a message with nested messages through the interceptors.
async fn enter_with(
    nested: &NestedStore,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    nested_runs: Option<&SharedNestedRuns>,
) -> Admission {
    if let Some(nested_runs) = nested_runs {
        nested_runs.lock().carries = true;
    }
    let outer = Outer {
        nested,
        chain,
        call: &call,
        nested_runs,
    };
    let mut pass = NestedPass::new(outer, Document::Params);
    let entry = chain
        .enter_with(call.clone(), message, Some(&mut pass))
        .await;
    if let Admission::Continue(_) = entry {
        pass.remember();
    }
    entry
}

/// The ids of the calls that a message continues; `None` for one that was not captured. Empty for a message without
/// nested ones.
pub(crate) fn continued(
    store: &NestedStore,
    call: &Call,
    message: &Message,
) -> Vec<Option<CallId>> {
    match params_carry(message) {
        true => store.before(call, message.payload()),
        false => Vec::new(),
    }
}

fn params_carry(message: &Message) -> bool {
    let method = message.method().unwrap_or_default();
    let root = message.payload().root();
    method.starts_with("tasks/")
        || method.starts_with("notifications/tasks")
        || root.get("inputResponses").is_some()
        || root.get("requestState").is_some()
}
