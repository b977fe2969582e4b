//! A request that was answered by a promise, remembered until its outcome comes in another message.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Call, CallId, Direction, Message};
use sandgate_pipeline::Continuation;

use crate::nested::ttl_map::{Bounds, Owner, TtlKey, TtlMap};

/// Tasks that nobody asked about for a day are forgotten. A task weighs what its request does.
const BOUNDS: Bounds = Bounds {
    entries: 8192,
    of_one: 1024,
    bytes: 32 << 20,
    time: Duration::from_secs(24 * 60 * 60),
};
/// What a task weighs beside its request.
pub(super) const AROUND: usize = 1024;

/// Tasks under way, and those that are over and may be asked about.
pub(crate) type Tasks = TtlMap<Arc<Task>>;

pub(crate) fn tasks() -> Tasks {
    TtlMap::new(BOUNDS)
}

/// The request that began a task, as the one who carries it out got it.
pub(crate) struct Task {
    pub(super) call: Arc<Call>,
    pub(super) message: Message,
    pub(super) continuation: Continuation,
    /// The exchange that began it was taken down.
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

    /// The exchange that began it, where it was taken down.
    pub(crate) fn captured(&self) -> Option<&CallId> {
        self.captured.then_some(&self.call.id)
    }
}

/// Where a task is kept that such a request began. Servers name their tasks, each for itself; a client names its own for
/// all servers alike, and each of those asks for its own only.
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

/// Where a server's task is kept.
pub(crate) fn place(server: &Arc<str>, id: &str) -> TtlKey {
    TtlKey::new(server, ["server's", id])
}
