//! Both ways through the interceptors, for messages that may carry nested ones: questions to the client, its answers,
//! and what is said about tasks. Any other message pays only for a look at its outermost members.

use std::pin::{Pin, pin};
use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{BoxFuture, Call, CallId, Direction, Hook, Id, Json, Message, Shape};
use sandgate_pipeline::{
    Admission, Chain, FilteredReply, NestedMessages, NestedOutcome, Trail, TrailEntry,
};

use crate::call::error_reply;
use crate::call::in_flight::{InFlight, Reply};
use crate::nested::input_requests::{self, InputRequests};
use crate::nested::input_required::answer;
use crate::nested::outer::{NestedError, Outer};
use crate::nested::store::NestedStore;
use crate::nested::task::Task;
use crate::nested::tasks::{self, TaskUpdate};
use crate::nested::ttl_map::{Lookup, TtlKey};
use crate::upstream_conn::UpstreamConn;
use sandgate_admission::Overloaded;
use sandgate_observe::{Decision, SharedNestedRuns};

/// Runs a request or notification through the interceptors, once it is its turn.
pub(crate) async fn enter(
    nested: &NestedStore,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    nested_runs: Option<&SharedNestedRuns>,
) -> Admission {
    let carries = params_carry(&message);
    if !carries && !judged(chain, &call) {
        return chain.enter(call, message).await;
    }
    let (asker, id) = (call.clone(), message.id().cloned());
    // Few messages carry nested ones: boxing their future keeps that of every other call small.
    let entry = match carries {
        false => turn(nested, &asker, pin!(chain.enter(call, message))).await,
        true => {
            let mut entry = Box::pin(enter_with(nested, chain, call, message, nested_runs));
            turn(nested, &asker, entry.as_mut()).await
        }
    };
    entry.unwrap_or_else(|Overloaded| {
        Admission::Refused(FilteredReply {
            message: id.map(|id| error_reply::overloaded(&asker).with_id(&id)),
            call: asker,
            trail: Trail {
                version: chain.version(),
                entries: Vec::new(),
            },
            withheld: true,
            overloaded: true,
            interrupted: None,
        })
    })
}

/// Waits for the message's turn. Only clients' messages are refused under overload; servers' messages wait.
async fn turn(
    nested: &NestedStore,
    call: &Call,
    entry: Pin<&mut (impl Future<Output = Admission> + Send)>,
) -> Result<Admission, Overloaded> {
    match call.direction {
        Direction::ClientToServer => {
            let in_flight = nested.recorder.in_flight();
            nested.gate.come_in(&call.account, in_flight, entry).await
        }
        Direction::ServerToClient => Ok(nested.gate.go_on(&call.account, entry).await),
    }
}

/// Whether an interceptor judges the message or its reply.
fn judged(chain: &Chain, call: &Call) -> bool {
    [Hook::PreCall, Hook::PostCall]
        .into_iter()
        .any(|hook| chain.concerns(hook, &call.method, call.direction, &call.server))
}

/// Runs a message with nested messages through the interceptors.
async fn enter_with(
    nested: &NestedStore,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    nested_runs: Option<&SharedNestedRuns>,
) -> Admission {
    if let Some(nested_runs) = nested_runs {
        nested_runs.lock().carries = true;
    }
    let mut pass = NestedPass::new(
        Outer {
            nested,
            chain,
            call: &call,
            nested_runs,
        },
        Document::Params,
    );
    let entry = chain
        .enter_with(call.clone(), message, Some(&mut pass))
        .await;
    if let Admission::Continue(_) = entry {
        pass.remember();
    }
    entry
}

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
    let Some(chain) = in_flight.chain().cloned() else {
        return in_flight.leave(reply, decision).await;
    };
    if !(carries || begins) {
        if !chain.concerns(Hook::PostCall, &call.method, call.direction, &call.server) {
            return in_flight.leave(reply, decision).await;
        }
        let left = pin!(in_flight.leave(reply, decision));
        return nested.gate.go_on(&call.account, left).await;
    }
    let continuation = in_flight.keep();
    let nested_runs = in_flight.arrival().nested_runs().cloned();
    if let Some(nested_runs) = &nested_runs {
        nested_runs.lock().carries = true;
    }
    let failed = reply.failed();
    let what = Document::Reply {
        sent: sent.payload().clone(),
        failed,
    };
    let mut pass = NestedPass::new(
        Outer {
            nested,
            chain: &chain,
            call: &call,
            nested_runs: nested_runs.as_ref(),
        },
        what,
    );
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
}

/// The ids of the calls that a message continues; `None` for one that was not captured. Empty for a message without
/// nested ones.
pub(crate) fn continued(
    store: &NestedStore,
    call: &Call,
    message: &Message,
) -> Vec<Option<CallId>> {
    match params_carry(message) {
        true => store.before(call, message.payload()),
        false => Vec::new(),
    }
}

fn params_carry(message: &Message) -> bool {
    let method = message.method().unwrap_or_default();
    let root = message.payload().root();
    method.starts_with("tasks/")
        || method.starts_with("notifications/tasks")
        || root.get("inputResponses").is_some()
        || root.get("requestState").is_some()
}

fn reply_carries(call: &Call, reply: &Message) -> bool {
    let root = || reply.payload().root();
    call.method.starts_with("tasks/")
        || matches!(reply.shape(), Shape::Result { .. })
            && call.direction == Direction::ClientToServer
            && (root().get("inputRequests").is_some() || root().get("requestState").is_some())
}

/// One pass of a document's nested messages through the interceptors.
struct NestedPass<'a> {
    outer: Outer<'a>,
    what: Document,
    entries: Vec<TrailEntry>,
    /// The questions asked, to be remembered once the outer message has passed.
    asked: Option<(TtlKey, InputRequests)>,
}

enum Document {
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
    fn new(outer: Outer<'a>, what: Document) -> Self {
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
            edits = inputs
                .ask(
                    self.outer,
                    requests,
                    "/inputRequests",
                    state.is_some(),
                    None,
                )
                .await?;
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
                    sandgate_message::error_codes::INVALID_PARAMS,
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
        let edits = inputs
            .ask(
                self.outer,
                requests,
                "/inputRequests",
                true,
                before.as_deref(),
            )
            .await?;
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

    fn remember(mut self) {
        if let Some((place, inputs)) = self.asked.take() {
            inputs.remember(self.outer.nested, place, self.outer.client());
        }
    }

    /// Sends the server the interceptors' answers where they answered all that a task asks: the client will not send
    /// any.
    fn hand_on(&mut self, conn: &UpstreamConn, sent: &Message) {
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
