//! The way through the interceptors, both ways, for messages that may carry others: questions to the client, its answers,
//! and what is told of tasks. Everything else goes straight on, at the price of a look at its outermost members.

use std::pin::{Pin, pin};
use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{Call, Direction, Hook, Id, Json, Message, Pending, Shape};
use sandgate_pipeline::{Chain, Departure, Entry, Through, Trail, TrailEntry, Within};

use crate::admission::Overloaded;
use crate::carriage::Carriage;
use crate::house::Link;
use crate::journal::{Left, Underway};
use crate::memory::{Found, Place};
use crate::record::Decision;
use crate::reply;
use crate::rounds::{self, Round, answer};
use crate::taken::Asides;
use crate::tasks::{self, Task, Told};
use crate::whole::{Trouble, Whole};

/// A request or notification on its way in, when it is its turn.
pub(crate) async fn enter(
    carriage: &Carriage,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    asides: Option<&Asides>,
) -> Entry {
    let carries = params_carry(&message);
    if !carries && !judged(chain, &call) {
        return chain.enter(call, message).await;
    }
    let (asker, id) = (call.clone(), message.id().cloned());
    // Few messages carry others: the future of every call has no room for those.
    let entry = match carries {
        false => turn(carriage, &asker, pin!(chain.enter(call, message))).await,
        true => {
            let mut entry = Box::pin(enter_with(carriage, chain, call, message, asides));
            turn(carriage, &asker, entry.as_mut()).await
        }
    };
    entry.unwrap_or_else(|Overloaded| {
        Entry::Refused(Departure {
            message: id.map(|id| reply::overloaded(&asker).with_id(&id)),
            call: asker,
            trail: Trail {
                version: chain.version(),
                entries: Vec::new(),
            },
            withheld: true,
            overloaded: true,
            halt: None,
        })
    })
}

/// Waits for the message's turn. Only what a client says is turned away: who else says something waits longer.
async fn turn(
    carriage: &Carriage,
    call: &Call,
    entry: Pin<&mut (impl Future<Output = Entry> + Send)>,
) -> Result<Entry, Overloaded> {
    match call.direction {
        Direction::ClientToServer => {
            let under_way = carriage.journal.lookout().under_way();
            carriage.gate.come_in(&call.account, under_way, entry).await
        }
        Direction::ServerToClient => Ok(carriage.gate.go_on(&call.account, entry).await),
    }
}

/// Whether an interceptor looks at the message or at its reply.
fn judged(chain: &Chain, call: &Call) -> bool {
    [Hook::PreCall, Hook::PostCall]
        .into_iter()
        .any(|hook| chain.concerns(hook, &call.method, call.direction, &call.server))
}

/// One that carries others.
async fn enter_with(
    carriage: &Carriage,
    chain: &Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    asides: Option<&Asides>,
) -> Entry {
    if let Some(asides) = asides {
        asides.lock().carries = true;
    }
    let mut carried = Carried::new(
        Whole {
            carriage,
            chain,
            call: &call,
            asides,
        },
        What::Params,
    );
    let entry = chain
        .enter_with(call.clone(), message, Some(&mut carried))
        .await;
    if let Entry::Onward(_) = entry {
        carried.remember();
    }
    entry
}

/// A reply on its way out, when it is its turn. `link`: to the server of the conversation, where the reply is its own.
pub(crate) async fn leave(
    carriage: &Carriage,
    link: Option<&Link>,
    underway: Underway,
    reply: Message,
    decision: Decision,
) -> Left {
    let (call, sent) = (underway.call().clone(), underway.message().clone());
    let reply = match link {
        Some(link) if call.direction == Direction::ClientToServer => {
            let lookalikes = link.server.lookalikes();
            lookalikes.without(&call.method, reply, &carriage.limits)
        }
        _ => reply,
    };
    let carries = reply_carries(&call, &reply);
    let begins = tasks::begun(&reply).is_some();
    let Some(chain) = underway.chain().cloned() else {
        return underway.leave(reply, decision).await;
    };
    if !(carries || begins) {
        if !chain.concerns(Hook::PostCall, &call.method, call.direction, &call.server) {
            return underway.leave(reply, decision).await;
        }
        let left = pin!(underway.leave(reply, decision));
        return carriage.gate.go_on(&call.account, left).await;
    }
    let kept = underway.keep();
    let asides = underway.came().asides().cloned();
    if let Some(asides) = &asides {
        asides.lock().carries = true;
    }
    let failed = reply.failed();
    let what = What::Reply {
        sent: sent.payload().clone(),
        failed,
    };
    let mut carried = Carried::new(
        Whole {
            carriage,
            chain: &chain,
            call: &call,
            asides: asides.as_ref(),
        },
        what,
    );
    let within: Option<&mut dyn Within> = match carries {
        true => Some(&mut carried),
        false => None,
    };
    let left = {
        let mut left = Box::pin(underway.leave_with(reply, decision, within));
        carriage.gate.go_on(&call.account, left.as_mut()).await
    };
    if let (Some(reply), false) = (&left.message, left.withheld) {
        if let (Some(id), Some(kept)) = (tasks::begun(reply), kept) {
            Task::new(&call, &sent, kept, asides.is_some()).remember(carriage, &id);
        }
        if let Some(link) = link {
            carried.hand_on(link, &sent);
        }
        carried.remember();
    }
    left
}

pub(crate) fn params_carry(message: &Message) -> bool {
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

/// What a document carries, on its way.
struct Carried<'a> {
    whole: Whole<'a>,
    what: What,
    entries: Vec<TrailEntry>,
    /// What was asked, to be remembered once the whole has passed.
    asked: Option<(Place, Round)>,
}

enum What {
    Params,
    Reply { sent: Json, failed: bool },
}

impl Within for Carried<'_> {
    fn pass<'a>(&'a mut self, document: &'a Json) -> Pending<'a, Through> {
        Box::pin(async move {
            match self.go(document).await {
                Ok(document) => Through {
                    outcome: Ok(document),
                    entries: std::mem::take(&mut self.entries),
                },
                Err(trouble) => trouble.into(),
            }
        })
    }
}

impl<'a> Carried<'a> {
    fn new(whole: Whole<'a>, what: What) -> Self {
        Self {
            whole,
            what,
            entries: Vec::new(),
            asked: None,
        }
    }

    async fn go(&mut self, document: &Json) -> Result<Option<Json>, Trouble> {
        let method = self.whole.call.method.clone();
        match &self.what {
            What::Params => match &*method {
                "tasks/list" => Ok(None),
                "tasks/update" => self.task_input(document).await,
                _ if method.starts_with("tasks/") => {
                    self.find(self.whole.call.direction, document)?;
                    Ok(None)
                }
                _ if method.starts_with("notifications/tasks") => {
                    // It comes from the one who carries the task out.
                    let begun = self.whole.call.direction.opposite();
                    self.task(begun, document, document).await
                }
                _ => self.input(document).await,
            },
            What::Reply { sent, failed } => {
                let (sent, failed) = (sent.clone(), *failed);
                match &*method {
                    "tasks/result" => self.outcome(&sent, document, failed).await,
                    _ if failed => Ok(None),
                    "tasks/list" => {
                        let told = tasks::list(self.whole, document).await?;
                        Ok(self.told(told, None))
                    }
                    _ if method.starts_with("tasks/") => {
                        self.task(self.whole.call.direction, &sent, document).await
                    }
                    _ => self.questions(&sent, document).await,
                }
            }
        }
    }

    /// A reply asks the client.
    async fn questions(&mut self, sent: &Json, document: &Json) -> Result<Option<Json>, Trouble> {
        let root = document.root();
        let state = root.get("requestState");
        let mut round = Round::of(self.whole);
        let mut edits = Vec::new();
        if let Some(requests) = root.get("inputRequests") {
            edits = round
                .ask(
                    self.whole,
                    requests,
                    "/inputRequests",
                    state.is_some(),
                    None,
                )
                .await?;
        }
        let place = rounds::place(&self.whole.call.server, sent.root(), state);
        self.asked = Some((place, round));
        self.whole.edited(document, &edits)
    }

    /// A request brings what its reply asked for.
    async fn input(&mut self, document: &Json) -> Result<Option<Json>, Trouble> {
        let root = document.root();
        let (state, responses) = (root.get("requestState"), root.get("inputResponses"));
        let place = rounds::place(&self.whole.call.server, root, state);
        let round = match self.whole.round(&place) {
            Found::Others if state.is_some() => {
                return Err(Trouble::said(reply::not_sent(
                    self.whole.call,
                    sandgate_message::error_codes::INVALID_PARAMS,
                    "its `requestState` was not given to this caller",
                )));
            }
            Found::Own(round) if round.fits(&self.whole.call.method, document) => Found::Own(round),
            _ => Found::Nothing,
        };
        let edits = answer(self.whole, round, responses).await?;
        self.whole.edited(document, &edits)
    }

    /// A task gets what it asked for.
    async fn task_input(&mut self, document: &Json) -> Result<Option<Json>, Trouble> {
        self.find(self.whole.call.direction, document)?;
        let root = document.root();
        let round = self.whole.round(&self.round_of(document));
        let responses = root.get("inputResponses");
        let edits = answer(self.whole, round, responses).await?;
        self.whole.edited(document, &edits)
    }

    fn find(&self, begun: Direction, named: &Json) -> Result<Option<Arc<Task>>, Trouble> {
        let id = named.root().get("taskId");
        tasks::find(self.whole, begun, id)
    }

    /// A document about the task that `named` names.
    async fn task(
        &mut self,
        begun: Direction,
        named: &Json,
        document: &Json,
    ) -> Result<Option<Json>, Trouble> {
        let place = self.round_of(named);
        let before = match self.whole.round(&place) {
            Found::Own(round) => Some(round),
            Found::Others | Found::Nothing => None,
        };
        if let Some(task) = self.find(begun, named)? {
            let told = task.tell(self.whole, document, before).await?;
            return Ok(self.told(told, Some(place)));
        }
        // Nobody looks at its outcome; at what it asks somebody may.
        let Some(requests) = document.root().get("inputRequests") else {
            return Ok(None);
        };
        let mut round = Round::of(self.whole);
        let edits = round
            .ask(
                self.whole,
                requests,
                "/inputRequests",
                true,
                before.as_deref(),
            )
            .await?;
        self.asked = Some((place, round));
        self.whole.edited(document, &edits)
    }

    async fn outcome(
        &mut self,
        sent: &Json,
        document: &Json,
        failed: bool,
    ) -> Result<Option<Json>, Trouble> {
        let Some(task) = self.find(self.whole.call.direction, sent)? else {
            return Ok(None);
        };
        let told = task.end(self.whole, document, failed).await?;
        Ok(self.told(told, None))
    }

    fn told(&mut self, told: Told, place: Option<Place>) -> Option<Json> {
        self.entries.extend(told.entries);
        self.asked = place.zip(told.round);
        told.document
    }

    fn round_of(&self, named: &Json) -> Place {
        let id = named.root().get("taskId");
        let id = id.and_then(|id| id.string()).unwrap_or_default();
        rounds::place_of_task(&self.whole.call.server, &id)
    }

    fn remember(mut self) {
        if let Some((place, round)) = self.asked.take() {
            round.remember(self.whole.carriage, place, self.whole.client());
        }
    }

    /// Where interceptors answered all that a task asks, nobody else will bring it the answers.
    fn hand_on(&mut self, link: &Link, sent: &Message) {
        if &*self.whole.call.method != "tasks/get" {
            return;
        }
        let Some((_, round)) = self.asked.take_if(|(_, round)| round.is_answered()) else {
            return;
        };
        let (id, meta) = (sent.payload().get("taskId"), sent.payload().get("_meta"));
        let (Some(id), Ok(conversation)) = (id, link.conversation.clone()) else {
            return;
        };
        let meta = meta.map_or_else(String::new, |meta| format!(r#","_meta":{}"#, meta.as_str()));
        let params = format!(
            r#"{{"taskId":{},"inputResponses":{}{meta}}}"#,
            id.as_str(),
            round.answered()
        );
        let Ok(params) = Json::parse(params, &self.whole.carriage.limits) else {
            return;
        };
        let name: Id = Json::of(&format!("answer-{}", self.whole.call.id))
            .ok()
            .and_then(|id| Id::from_json(&id))
            .unwrap_or_else(|| Id::number(0));
        let update = Message::request(&name, "tasks/update", &params);
        // Does not wait: nothing that the client gets depends on it.
        tokio::spawn(async move {
            if let Err(error) = conversation.request(&update, &HeaderMap::new()).await {
                tracing::warn!("{}", error.detail());
            }
        });
    }
}
