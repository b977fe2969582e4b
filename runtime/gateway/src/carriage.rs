//! What messages within messages need of the house: who remembers what was asked and begun, and where it is recorded.

use std::sync::Arc;

use sandgate_message::{Call, CallId, Direction, Json, Limits};

use crate::admission::Gate;
use crate::call::new_id;
use crate::journal::Journal;
use crate::memory::{Found, Owner, Place};
use crate::rounds::{self, Rounds};
use crate::tasks::{self, Tasks};

/// What messages within messages need.
pub(crate) struct Carriage {
    pub(crate) journal: Arc<Journal>,
    pub(crate) limits: Limits,
    /// Where calls wait for their turn with the interceptors.
    pub(crate) gate: Arc<Gate>,
    /// What servers of the modern era asked in replies.
    pub(crate) rounds: Rounds,
    /// What was begun and comes to its end later.
    pub(crate) tasks: Tasks,
    /// Nothing of it is live: ids within follow from the id of the whole, so that they are the same each time.
    rehearsed: bool,
}

impl Carriage {
    pub(crate) fn new(journal: Arc<Journal>, limits: Limits, gate: Arc<Gate>) -> Self {
        Self {
            journal,
            limits,
            gate,
            rounds: rounds::rounds(),
            tasks: tasks::tasks(),
            rehearsed: false,
        }
    }

    /// For what is played again.
    pub(crate) fn rehearsed(journal: Arc<Journal>, limits: Limits) -> Self {
        Self {
            rehearsed: true,
            ..Self::new(journal, limits, Gate::open())
        }
    }

    /// Of a message within another.
    pub(crate) fn id_within(&self, whole: &Call, key: &str) -> CallId {
        match self.rehearsed {
            true => CallId(format!("{}/{key}", whole.id.0).into()),
            false => new_id(),
        }
    }

    /// The exchanges that such a message continues; none in place of one that nobody took down.
    pub(crate) fn before(&self, call: &Call, params: &Json) -> Vec<Option<CallId>> {
        let owner = Owner::client(call.principal.as_ref(), call.session.as_ref());
        let round = |place: &Place| match self.rounds.find(place, &owner) {
            Found::Own(round) => Some(round.taken().cloned()),
            Found::Others | Found::Nothing => None,
        };
        let root = params.root();
        let about_task = |begun: Direction| {
            let id = root.get("taskId").and_then(|id| id.string());
            let id = id.unwrap_or_default();
            let (place, owner) = tasks::whose(call, begun, &id);
            let task = match self.tasks.find(&place, &owner) {
                Found::Own(task) => Some(task.taken().cloned()),
                Found::Others | Found::Nothing => None,
            };
            let asked = round(&rounds::place_of_task(&call.server, &id));
            task.into_iter().chain(asked).collect()
        };
        match &*call.method {
            "tasks/list" => Vec::new(),
            method if method.starts_with("tasks/") => about_task(call.direction),
            method if method.starts_with("notifications/tasks") => {
                about_task(call.direction.opposite())
            }
            _ => round(&rounds::place(&call.server, root, root.get("requestState")))
                .into_iter()
                .collect(),
        }
    }
}
