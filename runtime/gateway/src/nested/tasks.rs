//! Tasks: a request is answered with a task, and the outcome comes in other messages. Those pass the interceptors as
//! what they are, and what they say about the task passes as the reply to the request that created it. A policy for
//! `tools/call` thus sees a tool's output whichever way it comes.
//!
//! Only the caller that created a task may ask about it. An unknown task is refused where an interceptor would have
//! judged its outcome.

use std::sync::Arc;

use sandgate_message::{
    BoxFuture, Direction, Edit, Hook, Id, Json, Kind, Message, Node, Shape, error_codes,
};
use sandgate_pipeline::{
    Chain, FilteredReply, NestedMessages, NestedOutcome, NestedRefusal, TrailEntry,
};

use crate::call::error_reply;
use crate::nested::input_requests::InputRequests;
use crate::nested::outer::{NestedError, Outer};
use crate::nested::store::NestedStore;
use crate::nested::task::{AROUND, Task, whose};
use crate::nested::ttl_map::Lookup;

/// What a message says about a task, after the interceptors.
pub(crate) struct TaskUpdate {
    /// The changed document; `None` if no interceptor changed it.
    pub(crate) document: Option<Json>,
    pub(crate) entries: Vec<TrailEntry>,
    /// The questions that the task asks the client.
    pub(crate) inputs: Option<InputRequests>,
}

impl Task {
    /// Stores the task under this id, so that its caller may ask about it.
    pub(crate) fn remember(self, nested: &NestedStore, id: &str) {
        let (place, owner) = whose(&self.call, self.call.direction, id);
        // The text, and about as much again for its parsed form.
        let bytes = 2 * self.message.bytes().len() + AROUND;
        nested.tasks.put(place, owner, Arc::new(self), bytes);
    }

    /// Passes a document about the task as the reply to its request, and the outcome that the document may hold.
    ///
    /// # Errors
    ///
    /// An interceptor stopped the document, or a nested message within it.
    pub(crate) async fn tell(
        &self,
        outer: Outer<'_>,
        document: &Json,
        before: Option<Arc<InputRequests>>,
    ) -> Result<TaskUpdate, NestedError> {
        let mut detail = Detail {
            task: self,
            outer,
            before,
            inputs: None,
        };
        let reply = Message::result(self.id(), document);
        let filtered = self.leave(outer.chain, reply, Some(&mut detail)).await;
        let inputs = detail.inputs;
        let (reply, entries) = self.through(filtered, outer)?;
        let document = (reply.payload() != document).then(|| reply.payload().clone());
        Ok(TaskUpdate {
            document,
            entries,
            inputs,
        })
    }

    /// Passes the outcome of the task by itself. A withheld outcome gives the error that the request itself would have
    /// got.
    ///
    /// # Errors
    ///
    /// An interceptor withheld the outcome, or it is malformed.
    pub(crate) async fn end(
        &self,
        outer: Outer<'_>,
        outcome: &Json,
        failed: bool,
    ) -> Result<TaskUpdate, NestedError> {
        let Some(reply) = self.outcome(outcome, failed) else {
            let what = "what it says of the task is no outcome";
            return Err(outer.withheld(what));
        };
        let filtered = self.leave(outer.chain, reply, None).await;
        if filtered.withheld {
            let entries = self.news(&filtered);
            let held = filtered.message.unwrap_or_else(|| {
                error_reply::withheld(outer.call, "a policy withheld it and said nothing")
            });
            return Err(NestedError {
                held: Box::new(NestedRefusal::Gateway(Box::new(held))),
                entries,
            });
        }
        let (reply, entries) = self.through(filtered, outer)?;
        let document = (reply.payload() != outcome).then(|| reply.payload().clone());
        Ok(TaskUpdate {
            document,
            entries,
            inputs: None,
        })
    }

    async fn leave(
        &self,
        chain: &Arc<Chain>,
        reply: Message,
        within: Option<&mut (dyn NestedMessages + '_)>,
    ) -> FilteredReply {
        chain
            .resume(self.call.clone(), self.message.clone(), &self.continuation)
            .leave_with(reply, within)
            .await
    }

    fn through(
        &self,
        filtered: FilteredReply,
        outer: Outer<'_>,
    ) -> Result<(Message, Vec<TrailEntry>), NestedError> {
        let entries = self.news(&filtered);
        match filtered {
            FilteredReply {
                message: Some(reply),
                withheld: false,
                ..
            } => Ok((reply, entries)),
            FilteredReply {
                interrupted: Some(interrupted),
                ..
            } => Err(NestedError {
                held: Box::new(NestedRefusal::Interrupted(interrupted)),
                entries,
            }),
            FilteredReply { message, .. } => {
                Err(NestedError::said(message.unwrap_or_else(|| {
                    error_reply::withheld(outer.call, "nothing is left of it")
                })))
            }
        }
    }

    /// The interceptor runs that the record of the task's request does not have.
    fn news(&self, filtered: &FilteredReply) -> Vec<TrailEntry> {
        let known = self.continuation.trail().entries.len();
        filtered.trail.entries.iter().skip(known).cloned().collect()
    }

    fn outcome(&self, outcome: &Json, failed: bool) -> Option<Message> {
        if !failed {
            return Some(Message::result(self.id(), outcome));
        }
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#,
            self.id().as_str(),
            outcome.as_str()
        );
        Message::parse(
            text,
            &sandgate_message::Limits {
                bytes: usize::MAX,
                depth: 1 << 10,
            },
        )
        .ok()
    }

    fn id(&self) -> &Id {
        self.message.id().unwrap_or(&NOBODYS)
    }
}

static NOBODYS: std::sync::LazyLock<Id> = std::sync::LazyLock::new(|| Id::number(0));

/// The id of the task that a reply creates; `None` if the reply creates none.
pub(crate) fn begun(reply: &Message) -> Option<String> {
    if !matches!(reply.shape(), Shape::Result { .. }) {
        return None;
    }
    let root = reply.payload().root();
    let id = match root.get("task") {
        Some(task) => task.get("taskId"),
        None => root
            .get("resultType")
            .filter(|kind| kind.string().as_deref() == Some("task"))
            .and_then(|_| root.get("taskId")),
    };
    Some(id?.string()?.into_owned())
}

/// Finds the task with this id that the caller created; `direction` is that of the request that created it. `None`
/// where the task is unknown and no interceptor would judge its outcome.
///
/// # Errors
///
/// The task belongs to another caller, or is unknown and an interceptor would judge its outcome.
pub(crate) fn find(
    outer: Outer<'_>,
    direction: Direction,
    id: Option<Node<'_>>,
) -> Result<Option<Arc<Task>>, NestedError> {
    let id = id.and_then(|id| id.string());
    let found = match &id {
        Some(id) => {
            let (place, owner) = whose(outer.call, direction, id);
            outer.nested.tasks.find(&place, &owner)
        }
        None => Lookup::Nothing,
    };
    match found {
        Lookup::Own(task) => {
            outer.follows(task.captured());
            Ok(Some(task))
        }
        Lookup::Nothing if !judged(outer.chain, direction, &outer.call.server) => Ok(None),
        // The error is the same in both cases: a task's existence is not to leak to other callers.
        Lookup::Others | Lookup::Nothing => Err(NestedError::said(error_reply::not_sent(
            outer.call,
            error_codes::INVALID_PARAMS,
            "no such task",
        ))),
    }
}

/// Passes each entry of a list of tasks. Tasks of other callers are left out.
///
/// # Errors
///
/// The edited list is invalid or exceeds the limits.
pub(crate) async fn list(outer: Outer<'_>, document: &Json) -> Result<TaskUpdate, NestedError> {
    let (mut edits, mut entries) = (Vec::new(), Vec::new());
    let tasks = document.root().get("tasks");
    for (at, task) in tasks
        .into_iter()
        .flat_map(|tasks| tasks.elements())
        .enumerate()
    {
        let place = format!("/tasks/{at}");
        let told = match find(outer, outer.call.direction, task.get("taskId")) {
            Ok(None) => continue,
            Ok(Some(known)) => known.tell(outer, &task.to_json(), None).await,
            Err(trouble) => Err(trouble),
        };
        match told {
            Ok(told) => {
                entries.extend(told.entries);
                edits.extend(
                    told.document
                        .map(|task| Edit::Set(place, task.as_str().into())),
                );
            }
            Err(trouble) => {
                entries.extend(trouble.entries);
                edits.push(Edit::Remove(place));
            }
        }
    }
    Ok(TaskUpdate {
        document: outer.edited(document, &edits)?,
        entries,
        inputs: None,
    })
}

/// The nested messages of a document about a task: its outcome, and its questions to the client.
struct Detail<'a> {
    task: &'a Task,
    outer: Outer<'a>,
    before: Option<Arc<InputRequests>>,
    inputs: Option<InputRequests>,
}

impl NestedMessages for Detail<'_> {
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, NestedOutcome> {
        Box::pin(async move {
            let mut entries = Vec::new();
            match self.go(document, &mut entries).await {
                Ok(document) => NestedOutcome {
                    outcome: Ok(document),
                    entries,
                },
                Err(trouble) => trouble.into(),
            }
        })
    }
}

impl Detail<'_> {
    async fn go(
        &mut self,
        document: &Json,
        entries: &mut Vec<TrailEntry>,
    ) -> Result<Option<Json>, NestedError> {
        let root = document.root();
        let mut edits = Vec::new();
        for (member, failed) in [("result", false), ("error", true)] {
            if let Some(outcome) = root.get(member) {
                let outcome = outcome.to_json();
                edits.extend(self.outcome(member, &outcome, failed, entries).await?);
            }
        }
        if let Some(requests) = root.get("inputRequests") {
            let mut inputs = InputRequests::of(self.outer);
            edits.extend(
                inputs
                    .ask(
                        self.outer,
                        requests,
                        "/inputRequests",
                        true,
                        self.before.as_deref(),
                    )
                    .await?,
            );
            self.inputs = Some(inputs);
        }
        self.outer.edited(document, &edits)
    }

    /// Replaces a withheld outcome by the error that says so, since the task is over either way.
    async fn outcome(
        &self,
        member: &str,
        outcome: &Json,
        failed: bool,
        entries: &mut Vec<TrailEntry>,
    ) -> Result<Vec<Edit>, NestedError> {
        if failed && outcome.root().kind() != Kind::Object {
            let what = "the error of a task is no object";
            return Err(self.outer.withheld(what));
        }
        let pointer = format!("/{member}");
        match self.task.end(self.outer, outcome, failed).await {
            Ok(told) => {
                entries.extend(told.entries);
                let set = |outcome: Json| Edit::Set(pointer, outcome.as_str().into());
                Ok(told.document.map(set).into_iter().collect())
            }
            Err(NestedError {
                held,
                entries: runs,
            }) => {
                let said = match *held {
                    NestedRefusal::Gateway(said) => said,
                    held => {
                        let (held, entries) = (Box::new(held), runs);
                        return Err(NestedError { held, entries });
                    }
                };
                entries.extend(runs);
                let (other, status) = match said.failed() {
                    true => ("error", "\"failed\""),
                    false => ("result", "\"completed\""),
                };
                let mut edits = vec![Edit::Set(
                    format!("/{other}"),
                    said.payload().as_str().into(),
                )];
                if other != member {
                    edits.push(Edit::Remove(pointer));
                    edits.push(Edit::Set("/status".into(), status.into()));
                }
                Ok(edits)
            }
        }
    }
}

/// Whether an interceptor judges requests that can become tasks.
fn judged(chain: &Chain, direction: Direction, server: &str) -> bool {
    let begin: &[&str] = match direction {
        Direction::ClientToServer => &["tools/call"],
        Direction::ServerToClient => &["elicitation/create", "sampling/createMessage"],
    };
    begin.iter().any(|method| {
        [Hook::PreCall, Hook::PostCall]
            .into_iter()
            .any(|hook| chain.concerns(hook, method, direction, server))
    })
}
