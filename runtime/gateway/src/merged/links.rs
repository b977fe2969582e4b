//! The conversations behind one session of the merged endpoint: opened when they are first needed, and again when a
//! reload has put another server in one's place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use sandgate_message::{Era, Id, Json, Message, Shape};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::standing::Standing;
use crate::call::Caller;
use crate::claims::Claims;
use crate::downstream::session::Ground;
use crate::downstream::unheard::Unheard;
use crate::era::VERSION_HEADER;
use crate::exchange::Exchange;
use crate::house::{House, Link};
use crate::ledger::Ledger;
use crate::registry::Edition;
use crate::upstream::{Answer, Arrival, Asker, Body, Definitions, Server, ServerError, Transport};

/// A server's stream that ended is opened again after this long, then after twice as long, up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A client's way to one server.
pub(crate) struct Reach {
    pub(super) exchange: Exchange,
    /// Among them the version that this server agreed to.
    pub(super) headers: HeaderMap,
    /// What the server said of itself; none where it could not be asked, and in the modern era, where nobody asks.
    pub(super) offer: Option<Offer>,
    /// Where what it says is kept until the client listens: a legacy session.
    unheard: Option<Unheard>,
    /// Ends the listening to it.
    _listening: Option<DropGuard>,
}

/// A server's answer to `initialize`.
pub(super) struct Offer {
    pub(super) version: Option<String>,
    pub(super) capabilities: Option<Json>,
    pub(super) instructions: Option<String>,
}

impl Reach {
    /// Without anything kept beside it.
    pub(super) fn plain(exchange: Exchange, headers: HeaderMap) -> Self {
        Self {
            exchange,
            headers,
            offer: None,
            unheard: None,
            _listening: None,
        }
    }

    /// The reply to a request that goes to several servers. What comes before it on one's stream is for when the client
    /// listens.
    pub(super) async fn ask(&self, edition: &Arc<Edition>, message: Message) -> Option<Message> {
        let delivery = self
            .exchange
            .ask(edition, message, &self.headers, None)
            .await;
        let aside = |arrival| {
            if let Some(unheard) = &self.unheard {
                keep(&self.exchange, unheard, arrival);
            }
        };
        delivery.settle(aside).await
    }

    /// Whether the server offers this sort of thing, as far as it said.
    pub(super) fn offers(&self, capability: &str) -> bool {
        let said = self
            .offer
            .as_ref()
            .and_then(|offer| offer.capabilities.as_ref());
        said.is_none_or(|capabilities| capabilities.get(capability).is_some())
    }
}

type Slot = Arc<tokio::sync::Mutex<Option<Arc<Reach>>>>;

/// All of one session's.
pub(crate) struct Links {
    house: Arc<House>,
    caller: Caller,
    pseudonym: Arc<str>,
    /// The client's, for every server alike.
    initialize: Message,
    initialized: AtomicBool,
    ledger: Arc<Ledger>,
    unheard: Unheard,
    over: CancellationToken,
    slots: Mutex<HashMap<Arc<str>, Slot>>,
    standing: Standing,
    claims: Arc<Claims>,
}

impl Links {
    pub(crate) fn new(
        house: Arc<House>,
        ground: &Ground,
        caller: Caller,
        initialize: Message,
    ) -> Arc<Self> {
        Arc::new(Self {
            house,
            caller,
            pseudonym: ground.pseudonym.clone(),
            initialize,
            initialized: AtomicBool::new(false),
            ledger: ground.ledger.clone(),
            unheard: ground.unheard.clone(),
            over: ground.over.clone(),
            slots: Mutex::default(),
            standing: Standing::default(),
            claims: Claims::new(),
        })
    }

    pub(super) fn house(&self) -> &Arc<House> {
        &self.house
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The way to this server: the one there is, or a new one. A server that fails now is asked again next time.
    pub(super) async fn join(&self, edition: &Arc<Edition>, server: &Arc<Server>) -> Arc<Reach> {
        let slot = self
            .slots
            .lock()
            .entry(server.name().clone())
            .or_default()
            .clone();
        let mut slot = slot.lock().await;
        if let Some(reach) = slot.as_ref().filter(|reach| {
            Arc::ptr_eq(&reach.exchange.link.server, server) && !reach.exchange.link.is_gone()
        }) {
            return reach.clone();
        }
        // Large, and once a session and server.
        let reach = Arc::new(Box::pin(self.open(edition, server)).await);
        *slot = reach.offer.is_some().then(|| reach.clone());
        reach
    }

    async fn open(&self, edition: &Arc<Edition>, server: &Arc<Server>) -> Reach {
        let asker = Asker::new(self.caller.principal.name.as_ref(), &HeaderMap::new());
        let budget = &self.caller.budget;
        let conversation = server.converse_for(Era::Legacy, &asker, budget).await;
        let link = Link::new(server.clone(), conversation);
        let ledger = Some(self.ledger.clone());
        let mut exchange = Exchange {
            house: self.house.clone(),
            caller: self.caller.clone(),
            link,
            ledger,
            claims: Some(self.claims.clone()),
        };
        let none = HeaderMap::new();
        let reply = exchange
            .ask(edition, self.initialize.clone(), &none, None)
            .await
            .settle(|_| ())
            .await;
        let Some(result) = reply
            .filter(|reply| !reply.failed())
            .map(|reply| reply.payload().clone())
        else {
            tracing::warn!(server = %server.name(), "left out of the merged endpoint: it did not agree to initialize");
            return Reach::plain(exchange, none);
        };
        let text = |member: &str| Some(result.root().get(member)?.string()?.into_owned());
        let offer = Offer {
            version: text("protocolVersion"),
            capabilities: result.get("capabilities"),
            instructions: text("instructions"),
        };
        let mut headers = HeaderMap::new();
        if let Some(version) = offer
            .version
            .as_deref()
            .and_then(|version| HeaderValue::from_str(version).ok())
        {
            headers.insert(VERSION_HEADER, version);
        }
        let introduced = exchange.link.introduction();
        exchange.caller = Caller::of_initialize(
            &self.caller.requester(),
            introduced.unwrap_or(self.initialize.payload()),
            offer.version.clone(),
            self.pseudonym.clone(),
        );
        if self.initialized.load(Ordering::Acquire) {
            let initialized =
                Message::notification("notifications/initialized", &Json::empty_object());
            exchange.tell(edition, initialized, &headers).await;
            // One that was there before had been asked already.
            for (n, request) in self.standing.of(server.name()).iter().enumerate() {
                let id = Json::string(&format!("sandgate-again-{n}"));
                let Some(id) = Id::from_json(&id) else {
                    continue;
                };
                let request = request.with_id(&id);
                let asked = exchange.ask(edition, request, &headers, None).await;
                asked.settle(|_| ()).await;
            }
        }
        let token = self.over.child_token();
        tokio::spawn(hear(
            exchange.clone(),
            headers.clone(),
            self.unheard.clone(),
            token.clone(),
        ));
        Reach {
            exchange,
            headers,
            offer: Some(offer),
            unheard: Some(self.unheard.clone()),
            _listening: Some(token.drop_guard()),
        }
    }

    /// What the client was last shown by a server that is joined.
    pub(super) async fn definitions(&self, server: &Arc<Server>) -> Option<Arc<Definitions>> {
        let slot = self.slots.lock().get(server.name()).cloned()?;
        let slot = slot.lock().await;
        let link = &slot.as_ref()?.exchange.link;
        let open = link.conversation.as_ref().ok()?;
        Arc::ptr_eq(&link.server, server).then(|| open.definitions().clone())
    }

    /// The ways that are open now.
    pub(super) async fn joined(&self) -> Vec<Arc<Reach>> {
        let slots: Vec<Slot> = self.slots.lock().values().cloned().collect();
        let mut joined = Vec::with_capacity(slots.len());
        for slot in slots {
            joined.extend(slot.lock().await.clone());
        }
        joined
    }

    /// The client is ready: so it is for every server, also for those that are joined later.
    pub(super) async fn initialized(&self) -> Vec<Arc<Reach>> {
        self.initialized.store(true, Ordering::Release);
        self.joined().await
    }

    /// The server whose request this progress of the client's is about.
    pub(super) async fn asker(&self, progress: &Message) -> Vec<Arc<Reach>> {
        let Some(token) = progress.payload().get("progressToken") else {
            return Vec::new();
        };
        let Some(link) = self.ledger.asker(token.as_str()) else {
            return Vec::new();
        };
        self.joined()
            .await
            .into_iter()
            .filter(|reach| reach.exchange.link.is(&link))
            .collect()
    }

    pub(crate) async fn close(&self) {
        for reach in self.joined().await {
            if let Ok(conversation) = &reach.exchange.link.conversation {
                conversation.close().await;
            }
        }
    }
}

/// What a server says unasked, kept until the client listens.
async fn hear(
    exchange: Exchange,
    mut headers: HeaderMap,
    unheard: Unheard,
    over: CancellationToken,
) {
    let Ok(conversation) = exchange.link.conversation.clone() else {
        return;
    };
    let mut wait = AGAIN.0;
    loop {
        let answer = tokio::select! {
            () = over.cancelled() => return,
            answer = conversation.listen(&headers) => answer,
        };
        let Ok(Answer {
            body: Body::Stream(mut arrivals),
            ..
        }) = answer
        else {
            return;
        };
        loop {
            let arrival = tokio::select! {
                () = over.cancelled() => return,
                arrival = arrivals.next() => arrival,
            };
            let Some(Ok(arrival)) = arrival else { break };
            wait = AGAIN.0;
            if let Some(id) = arrival
                .id
                .as_deref()
                .and_then(|id| HeaderValue::from_str(id).ok())
            {
                headers.insert("last-event-id", id);
            }
            if let Some(arrival) = exchange.arrive(arrival).await {
                keep(&exchange, &unheard, arrival);
            }
        }
        // A child that said its last word does not speak again.
        if matches!(
            exchange.link.server.config().transport,
            Transport::Stdio { .. }
        ) {
            let server = exchange.link.server.name().clone();
            exchange.link.note(&ServerError::Closed { server });
            return;
        }
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(AGAIN.1),
        }
    }
}

/// Bounded: a client that never listens loses notifications, and cannot be asked anything.
fn keep(exchange: &Exchange, unheard: &Unheard, arrival: Arrival) {
    let Some(message) = arrival.message else {
        return;
    };
    let Err(lost) = unheard.keep(Arrival::of(message)) else {
        return;
    };
    let message = lost.message;
    if let Some(Shape::Request { id, .. }) = message.as_ref().map(Message::shape)
        && let Some(question) = exchange
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.answered(id))
    {
        let exchange = exchange.clone();
        tokio::spawn(async move { exchange.unaskable(&question.id, question.underway).await });
    }
}
