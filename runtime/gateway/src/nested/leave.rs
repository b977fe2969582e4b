//! The way out through the interceptors, for replies that may carry nested messages. Any other reply pays only for a look
//! at its outermost members.

use std::pin::pin;
use std::sync::Arc;

use sandgate_message::{Call, Direction, Hook, Message, Shape};
use sandgate_observe::Decision;
use sandgate_pipeline::{Chain, NestedMessages};

use crate::call::in_flight::{InFlight, Reply};
use crate::nested::outer::Outer;
use crate::nested::pass::{Document, NestedPass};
use crate::nested::store::NestedStore;
use crate::nested::task::Task;
use crate::nested::tasks;
use crate::upstream_conn::UpstreamConn;

/// Runs a reply through the interceptors, once it is its turn. `conn` serves to remove lookalike names from a list, and
/// to send the interceptors' answers to a task's questions to the server; `None` skips both.
pub(crate) async fn leave(
    nested: &NestedStore,
    conn: Option<&UpstreamConn>,
    in_flight: InFlight,
    reply: Message,
    decision: Decision,
) -> Reply {
    let (call, sent) = (in_flight.call().clone(), in_flight.message().clone());
    let reply = match conn {
        Some(conn) if call.direction == Direction::ClientToServer => {
            let lookalikes = conn.server.lookalikes();
            lookalikes.without(&call.method, reply, &nested.limits)
        }
        _ => reply,
    };
    let carries = reply_carries(&call, &reply);
    let begins = tasks::begun(&reply).is_some();
    let nests = carries || begins;
    let looks = |chain: &&Arc<Chain>| {
        nests || chain.concerns(Hook::PostCall, &call.method, call.direction, &call.server)
    };
    let Some(chain) = in_flight.chain().filter(looks).cloned() else {
        return in_flight.leave(reply, decision).await;
    };
    if !nests {
        let left = pin!(in_flight.leave(reply, decision));
        return nested.gate.go_on(&call.account, left).await;
    }
    // Boxed because the future is large and rarely runs.
    Box::pin(async move {
        let continuation = in_flight.keep();
        let nested_runs = in_flight.arrival().nested_runs().cloned();
        if let Some(nested_runs) = &nested_runs {
            nested_runs.lock().carries = true;
        }
        let what = Document::Reply {
            sent: sent.payload().clone(),
            failed: reply.failed(),
        };
        let outer = Outer {
            nested,
            chain: &chain,
            call: &call,
            nested_runs: nested_runs.as_ref(),
        };
        let mut pass = NestedPass::new(outer, what);
        let within: Option<&mut dyn NestedMessages> = match carries {
            true => Some(&mut pass),
            false => None,
        };
        let left = {
            let mut left = Box::pin(in_flight.leave_with(reply, decision, within));
            nested.gate.go_on(&call.account, left.as_mut()).await
        };
        if let (Some(reply), false) = (&left.message, left.withheld) {
            if let (Some(id), Some(continuation)) = (tasks::begun(reply), continuation) {
                Task::new(&call, &sent, continuation, nested_runs.is_some()).remember(nested, &id);
            }
            if let Some(conn) = conn {
                pass.hand_on(conn, &sent);
            }
            pass.remember();
        }
        left
    })
    .await
}

fn reply_carries(call: &Call, reply: &Message) -> bool {
    let root = || reply.payload().root();
    call.method.starts_with("tasks/")
        || matches!(reply.shape(), Shape::Result { .. })
            && call.direction == Direction::ClientToServer
            && (root().get("inputRequests").is_some() || root().get("requestState").is_some())
}
