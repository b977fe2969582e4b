//! A request that was answered with a task, remembered until its outcome comes in another message.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Call, CallId, Direction, Message};
use sandgate_pipeline::Continuation;

use crate::nested::ttl_map::{Bounds, Owner, TtlKey, TtlMap};

/// Tasks that nobody asked about for 24 hours are forgotten. A task weighs what its request does.
const BOUNDS: Bounds = Bounds {
    entries: 8192,
    of_one: 1024,
    bytes: 32 << 20,
    time: Duration::from_secs(24 * 60 * 60),
};
/// What a task weighs beside its request, in bytes.
pub(super) const AROUND: usize = 1024;

/// Tasks in flight, and finished ones that may still be asked about.
pub(crate) type Tasks = TtlMap<Arc<Task>>;

pub(crate) fn tasks() -> Tasks {
    TtlMap::new(BOUNDS)
}

/// A task: the request that created it, as the side that carries it out received the request.
pub(crate) struct Task {
    pub(super) call: Arc<Call>,
    pub(super) message: Message,
    pub(super) continuation: Continuation,
    /// Whether the call that created the task was captured.
    pub(super) captured: bool,
}

impl Task {
    pub(crate) fn new(
        call: &Arc<Call>,
        message: &Message,
        continuation: Continuation,
        captured: bool,
    ) -> Self {
        Self {
            call: call.clone(),
            message: message.clone(),
            continuation,
            captured,
        }
    }

    /// The call that created the task.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// The call that created the task, if it was captured.
    pub(crate) fn captured(&self) -> Option<&CallId> {
        self.captured.then_some(&self.call.id)
    }
}

/// The key and owner of a task that a request in direction `begun` created. Each server chooses the ids of its tasks by
/// itself. A client chooses its ids for all servers alike, and each server may ask for its own tasks only.
pub(crate) fn whose(call: &Call, begun: Direction, id: &str) -> (TtlKey, Owner) {
    match begun {
        Direction::ClientToServer => (
            place(&call.server, id),
            Owner::client(call.principal.as_ref(), call.session.as_ref()),
        ),
        Direction::ServerToClient => (
            TtlKey::new(&"".into(), ["client's", id]),
            Owner::server(call),
        ),
    }
}

/// The key for a server's task.
pub(crate) fn place(server: &Arc<str>, id: &str) -> TtlKey {
    TtlKey::new(server, ["server's", id])
}
