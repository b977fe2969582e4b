//! Tasks: a request is answered by a promise, and its outcome comes in other messages. Those pass the interceptors as
//! what they are, and what they tell of the task passes as the reply to the request that began it, so that a policy for
//! `tools/call` sees what a tool said whichever way it comes.
//!
//! Who may ask about a task is who began it. A task that is not remembered is refused where an interceptor would have
//! looked at its outcome.

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

/// What a message says of a task.
pub(crate) struct TaskUpdate {
    /// Where it is another document now.
    pub(crate) document: Option<Json>,
    pub(crate) entries: Vec<TrailEntry>,
    /// What the task asks the client.
    pub(crate) inputs: Option<InputRequests>,
}

impl Task {
    /// From now on the caller may ask about it under this id.
    pub(crate) fn remember(self, nested: &NestedStore, id: &str) {
        let (place, owner) = whose(&self.call, self.call.direction, id);
        // The text, and about as much again for its tape.
        let bytes = 2 * self.message.bytes().len() + AROUND;
        nested.tasks.put(place, owner, Arc::new(self), bytes);
    }

    /// A document about the task passes as the reply to its request; so does the outcome that it may hold.
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

    /// The outcome by itself. What is withheld is told in the words that the request itself would have been answered by.
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

    /// The runs that its request's own record does not have.
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

/// The id of the task by which a request is answered.
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

/// The task of that id that the caller began; none where it is not known and nobody would look at its outcome.
/// `direction`: of the request that began it.
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
        // Whose it is, and whether it is anybody's, is nobody else's business.
        Lookup::Others | Lookup::Nothing => Err(NestedError::said(error_reply::not_sent(
            outer.call,
            error_codes::INVALID_PARAMS,
            "no such task",
        ))),
    }
}

/// What a list of tasks says of each. Tasks that are not the caller's are left out.
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

/// What is within a document about a task: its outcome, and what it asks the client.
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

    /// A withheld outcome becomes one that says so: the task is over all the same.
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

/// Whether any interceptor looks at what can become a task.
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
