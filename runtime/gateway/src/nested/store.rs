//! The state that nested messages need: remembered questions and tasks, and the recorder.

use std::sync::Arc;

use sandgate_message::{Call, CallId, Direction, Json, Limits};

use crate::nested::input_requests::{self, InputRequestMap};
use crate::nested::task::{self, Tasks};
use crate::nested::ttl_map::{Lookup, Owner, TtlKey};
use sandgate_admission::Gate;
use sandgate_observe::{CallRecorder, new_id};

/// The state that nested messages need.
pub(crate) struct NestedStore {
    pub(crate) recorder: Arc<CallRecorder>,
    pub(crate) limits: Limits,
    /// The gate at which calls wait for their turn with the interceptors.
    pub(crate) gate: Arc<Gate>,
    /// The questions that modern servers asked in replies.
    pub(crate) input_requests: InputRequestMap,
    /// The tasks whose outcome comes later.
    pub(crate) tasks: Tasks,
    /// Whether this is a replay: ids of nested calls are then derived from the outer call's id, so that every replay
    /// has the same.
    replayed: bool,
}

impl NestedStore {
    pub(crate) fn new(recorder: Arc<CallRecorder>, limits: Limits, gate: Arc<Gate>) -> Self {
        Self {
            recorder,
            limits,
            gate,
            input_requests: input_requests::input_requests(),
            tasks: task::tasks(),
            replayed: false,
        }
    }

    /// A store for replays.
    pub(crate) fn replayed(recorder: Arc<CallRecorder>, limits: Limits) -> Self {
        Self {
            replayed: true,
            ..Self::new(recorder, limits, Gate::open())
        }
    }

    /// Forgets all questions and tasks. A question that nobody answered is recorded as cancelled.
    pub(crate) fn forget_all(&self) {
        self.input_requests.clear();
        self.tasks.clear();
    }

    /// The id for a nested call.
    pub(crate) fn id_within(&self, outer: &Call, key: &str) -> CallId {
        match self.replayed {
            true => CallId(format!("{}/{key}", outer.id.0).into()),
            false => new_id(),
        }
    }

    /// The ids of the calls that a message with nested ones continues; `None` for one that was not captured.
    pub(crate) fn before(&self, call: &Call, params: &Json) -> Vec<Option<CallId>> {
        let owner = Owner::client(call.principal.as_ref(), call.session.as_ref());
        let inputs = |place: &TtlKey| match self.input_requests.find(place, &owner) {
            Lookup::Own(inputs) => Some(inputs.captured().cloned()),
            Lookup::Others | Lookup::Nothing => None,
        };
        let root = params.root();
        let about_task = |begun: Direction| {
            let id = root.get("taskId").and_then(|id| id.string());
            let id = id.unwrap_or_default();
            let (place, owner) = task::whose(call, begun, &id);
            let task = match self.tasks.find(&place, &owner) {
                Lookup::Own(task) => Some(task.captured().cloned()),
                Lookup::Others | Lookup::Nothing => None,
            };
            let asked = inputs(&input_requests::place_of_task(&call.server, &id));
            task.into_iter().chain(asked).collect()
        };
        match &*call.method {
            "tasks/list" => Vec::new(),
            method if method.starts_with("tasks/") => about_task(call.direction),
            method if method.starts_with("notifications/tasks") => {
                about_task(call.direction.opposite())
            }
            _ => inputs(&input_requests::place(
                &call.server,
                root,
                root.get("requestState"),
            ))
            .into_iter()
            .collect(),
        }
    }
}
