//! One pass of a document's nested messages through the interceptors: questions to the client, its answers, and what is
//! said about tasks.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{BoxFuture, Direction, Id, Json, Message, error_codes};
use sandgate_pipeline::{NestedMessages, NestedOutcome, TrailEntry};

use crate::call::error_reply;
use crate::nested::input_requests::{self, InputRequests};
use crate::nested::input_required::answer;
use crate::nested::outer::{NestedError, Outer};
use crate::nested::task::Task;
use crate::nested::tasks::{self, TaskUpdate};
use crate::nested::ttl_map::{Lookup, TtlKey};
use crate::upstream_conn::UpstreamConn;

/// One pass of a document's nested messages through the interceptors.
pub(super) struct NestedPass<'a> {
    outer: Outer<'a>,
    what: Document,
    entries: Vec<TrailEntry>,
    /// The questions asked, to be remembered once the outer message has passed.
    asked: Option<(TtlKey, InputRequests)>,
}

/// The document that carries the messages.
pub(super) enum Document {
    Params,
    Reply { sent: Json, failed: bool },
}

impl NestedMessages for NestedPass<'_> {
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, NestedOutcome> {
        Box::pin(async move {
            match self.go(document).await {
                Ok(document) => NestedOutcome {
                    outcome: Ok(document),
                    entries: std::mem::take(&mut self.entries),
                },
                Err(trouble) => trouble.into(),
            }
        })
    }
}

impl<'a> NestedPass<'a> {
    pub(super) fn new(outer: Outer<'a>, what: Document) -> Self {
        Self {
            outer,
            what,
            entries: Vec::new(),
            asked: None,
        }
    }

    async fn go(&mut self, document: &Json) -> Result<Option<Json>, NestedError> {
        let method = self.outer.call.method.clone();
        match &self.what {
            Document::Params => match &*method {
                "tasks/list" => Ok(None),
                "tasks/update" => self.task_input(document).await,
                _ if method.starts_with("tasks/") => {
                    self.find(self.outer.call.direction, document)?;
                    Ok(None)
                }
                _ if method.starts_with("notifications/tasks") => {
                    // A notification about a task comes from the side that carries the task out.
                    let begun = self.outer.call.direction.opposite();
                    self.task(begun, document, document).await
                }
                _ => self.input(document).await,
            },
            Document::Reply { sent, failed } => {
                let (sent, failed) = (sent.clone(), *failed);
                match &*method {
                    "tasks/result" => self.outcome(&sent, document, failed).await,
                    _ if failed => Ok(None),
                    "tasks/list" => {
                        let told = tasks::list(self.outer, document).await?;
                        Ok(self.told(told, None))
                    }
                    _ if method.starts_with("tasks/") => {
                        self.task(self.outer.call.direction, &sent, document).await
                    }
                    _ => self.questions(&sent, document).await,
                }
            }
        }
    }

    /// Passes the questions of a reply.
    async fn questions(
        &mut self,
        sent: &Json,
        document: &Json,
    ) -> Result<Option<Json>, NestedError> {
        let root = document.root();
        let state = root.get("requestState");
        let mut inputs = InputRequests::of(self.outer);
        let mut edits = Vec::new();
        if let Some(requests) = root.get("inputRequests") {
            let at = "/inputRequests";
            let asked = inputs.ask(self.outer, requests, at, state.is_some(), None);
            edits = asked.await?;
        }
        let place = input_requests::place(&self.outer.call.server, sent.root(), state);
        self.asked = Some((place, inputs));
        self.outer.edited(document, &edits)
    }

    /// Passes the answers that a request brings.
    async fn input(&mut self, document: &Json) -> Result<Option<Json>, NestedError> {
        let root = document.root();
        let (state, responses) = (root.get("requestState"), root.get("inputResponses"));
        let place = input_requests::place(&self.outer.call.server, root, state);
        let inputs = match self.outer.inputs(&place) {
            Lookup::Others if state.is_some() => {
                return Err(NestedError::said(error_reply::not_sent(
                    self.outer.call,
                    error_codes::INVALID_PARAMS,
                    "its `requestState` was not given to this caller",
                )));
            }
            Lookup::Own(inputs) if inputs.fits(&self.outer.call.method, document) => {
                Lookup::Own(inputs)
            }
            _ => Lookup::Nothing,
        };
        let edits = answer(self.outer, inputs, responses).await?;
        self.outer.edited(document, &edits)
    }

    /// Passes the answers that a `tasks/update` brings.
    async fn task_input(&mut self, document: &Json) -> Result<Option<Json>, NestedError> {
        self.find(self.outer.call.direction, document)?;
        let root = document.root();
        let inputs = self.outer.inputs(&self.inputs_of(document));
        let responses = root.get("inputResponses");
        let edits = answer(self.outer, inputs, responses).await?;
        self.outer.edited(document, &edits)
    }

    fn find(&self, begun: Direction, named: &Json) -> Result<Option<Arc<Task>>, NestedError> {
        let id = named.root().get("taskId");
        tasks::find(self.outer, begun, id)
    }

    /// Passes a document about the task that `named` names.
    async fn task(
        &mut self,
        begun: Direction,
        named: &Json,
        document: &Json,
    ) -> Result<Option<Json>, NestedError> {
        let place = self.inputs_of(named);
        let before = match self.outer.inputs(&place) {
            Lookup::Own(inputs) => Some(inputs),
            Lookup::Others | Lookup::Nothing => None,
        };
        if let Some(task) = self.find(begun, named)? {
            let told = task.tell(self.outer, document, before).await?;
            return Ok(self.told(told, Some(place)));
        }
        // No interceptor judges the task's outcome, but one may judge its questions.
        let Some(requests) = document.root().get("inputRequests") else {
            return Ok(None);
        };
        let mut inputs = InputRequests::of(self.outer);
        let at = "/inputRequests";
        let asked = inputs.ask(self.outer, requests, at, true, before.as_deref());
        let edits = asked.await?;
        self.asked = Some((place, inputs));
        self.outer.edited(document, &edits)
    }

    async fn outcome(
        &mut self,
        sent: &Json,
        document: &Json,
        failed: bool,
    ) -> Result<Option<Json>, NestedError> {
        let Some(task) = self.find(self.outer.call.direction, sent)? else {
            return Ok(None);
        };
        let told = task.end(self.outer, document, failed).await?;
        Ok(self.told(told, None))
    }

    fn told(&mut self, told: TaskUpdate, place: Option<TtlKey>) -> Option<Json> {
        self.entries.extend(told.entries);
        self.asked = place.zip(told.inputs);
        told.document
    }

    fn inputs_of(&self, named: &Json) -> TtlKey {
        let id = named.root().get("taskId");
        let id = id.and_then(|id| id.string()).unwrap_or_default();
        input_requests::place_of_task(&self.outer.call.server, &id)
    }

    pub(super) fn remember(mut self) {
        if let Some((place, inputs)) = self.asked.take() {
            inputs.remember(self.outer.nested, place, self.outer.client());
        }
    }

    /// Sends the server the interceptors' answers where they answered all that a task asks: the client will not send
    /// any.
    pub(super) fn hand_on(&mut self, conn: &UpstreamConn, sent: &Message) {
        if &*self.outer.call.method != "tasks/get" {
            return;
        }
        let Some((_, inputs)) = self.asked.take_if(|(_, inputs)| inputs.is_answered()) else {
            return;
        };
        let (id, meta) = (sent.payload().get("taskId"), sent.payload().get("_meta"));
        let (Some(id), Ok(conversation)) = (id, conn.conversation.clone()) else {
            return;
        };
        let meta = meta.map_or_else(String::new, |meta| format!(r#","_meta":{}"#, meta.as_str()));
        let params = format!(
            r#"{{"taskId":{},"inputResponses":{}{meta}}}"#,
            id.as_str(),
            inputs.answered()
        );
        let Ok(params) = Json::parse(params, &self.outer.nested.limits) else {
            return;
        };
        let name: Id = Json::of(&format!("answer-{}", self.outer.call.id))
            .ok()
            .and_then(|id| Id::from_json(&id))
            .unwrap_or_else(|| Id::number(0));
        let update = Message::request(&name, "tasks/update", &params);
        // Not awaited: the client's reply does not depend on it.
        tokio::spawn(async move {
            if let Err(error) = conversation.request(&update, &HeaderMap::new()).await {
                tracing::warn!("{}", error.detail());
            }
        });
    }
}
