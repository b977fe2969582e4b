//! The questions of one reply, and the store that remembers them until the client answers in another request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{CallId, Json, Method, Node};

use crate::call::deferred::DeferredCall;
use crate::nested::ttl_map::{Bounds, TtlKey, TtlMap};

/// Questions are kept for one hour without use: as long as a legacy server may wait for people.
const BOUNDS: Bounds = Bounds {
    entries: 4096,
    of_one: 1024,
    bytes: 32 << 20,
    time: Duration::from_secs(60 * 60),
};
/// What a question weighs beside its text, in bytes.
pub(super) const AROUND: usize = 512;

/// The questions that servers asked, by the place where the answers will look for them.
pub(crate) type InputRequestMap = TtlMap<Arc<InputRequests>>;

pub(crate) fn input_requests() -> InputRequestMap {
    TtlMap::new(BOUNDS)
}

/// The questions of one reply.
pub(crate) struct InputRequests {
    pub(super) method: Arc<str>,
    pub(super) target: Option<Arc<str>>,
    /// The call in which the questions were asked, if it was captured.
    pub(super) captured: Option<CallId>,
    pub(super) questions: HashMap<Box<str>, Question>,
    /// The interceptors' answers in the client's place.
    pub(super) answers: Vec<(Box<str>, Json)>,
    pub(super) bytes: usize,
}

#[derive(Clone)]
pub(super) struct Question {
    /// The params as the server sent them.
    pub(super) original: Json,
    pub(super) deferred: Arc<DeferredCall>,
    /// Whether members beside method and params were removed, since no interceptor reads them.
    pub(super) bare: bool,
}

/// The key for questions asked under this `requestState` or, without one, in reply to exactly these params.
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
    /// The call in which the questions were asked, if it was captured.
    pub(crate) fn captured(&self) -> Option<&CallId> {
        self.captured.as_ref()
    }

    /// Whether a request with this method and these params has the method and target of the one that led to the
    /// questions.
    pub(crate) fn fits(&self, method: &str, params: &Json) -> bool {
        let target = Method::new(method).target_in(params);
        *self.method == *method && self.target.as_deref() == target.as_deref()
    }
}

/// The key for the questions of a task.
pub(crate) fn place_of_task(server: &Arc<str>, id: &str) -> TtlKey {
    TtlKey::new(server, ["task's", id])
}
