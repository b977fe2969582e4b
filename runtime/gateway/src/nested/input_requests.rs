//! The questions of one reply, and where they are remembered until the client answers them in another request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{CallId, Json, Method, Node};

use crate::call::in_flight::DeferredCall;
use crate::nested::ttl_map::{Bounds, TtlKey, TtlMap};

/// People are asked: as long as a server of the legacy era may wait for them.
const BOUNDS: Bounds = Bounds {
    entries: 4096,
    of_one: 1024,
    bytes: 32 << 20,
    time: Duration::from_secs(60 * 60),
};
/// What a question weighs beside its text.
pub(super) const AROUND: usize = 512;

/// What was asked.
pub(crate) type InputRequestMap = TtlMap<Arc<InputRequests>>;

pub(crate) fn input_requests() -> InputRequestMap {
    TtlMap::new(BOUNDS)
}

/// The questions of one reply.
pub(crate) struct InputRequests {
    pub(super) method: Arc<str>,
    pub(super) target: Option<Arc<str>>,
    /// The exchange in which they were asked, where it was taken down.
    pub(super) captured: Option<CallId>,
    pub(super) questions: HashMap<Box<str>, Question>,
    /// What interceptors answered in the client's place.
    pub(super) answers: Vec<(Box<str>, Json)>,
    pub(super) bytes: usize,
}

#[derive(Clone)]
pub(super) struct Question {
    /// As the server asked it.
    pub(super) original: Json,
    pub(super) shelved: Arc<DeferredCall>,
    /// What stood beside method and params, where no interceptor reads, is gone.
    pub(super) bare: bool,
}

/// Where the questions are kept that were asked under this state, or, without one, in reply to these very params.
pub(crate) fn place(server: &Arc<str>, params: Node<'_>, state: Option<Node<'_>>) -> TtlKey {
    if let Some(state) = state {
        let text = state.string();
        return TtlKey::new(server, ["state", text.as_deref().unwrap_or(state.as_str())]);
    }
    let mut members: Vec<_> = params
        .members()
        .filter(|(name, _)| !matches!(&**name, "_meta" | "inputResponses" | "requestState"))
        .collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let parts = members
        .iter()
        .flat_map(|(name, value)| [&**name, value.as_str()]);
    TtlKey::new(server, std::iter::once("params").chain(parts))
}

impl InputRequests {
    /// The exchange in which they were asked, where it was taken down.
    pub(crate) fn captured(&self) -> Option<&CallId> {
        self.captured.as_ref()
    }

    /// It was begun by such a request.
    pub(crate) fn fits(&self, method: &str, params: &Json) -> bool {
        let target = Method::new(method).target_in(params);
        *self.method == *method && self.target.as_deref() == target.as_deref()
    }
}

/// Where the questions of a task are kept.
pub(crate) fn place_of_task(server: &Arc<str>, id: &str) -> TtlKey {
    TtlKey::new(server, ["task's", id])
}
