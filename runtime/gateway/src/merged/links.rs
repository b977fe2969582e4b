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
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::replayed_state::ReplayedState;
use crate::call::caller::Caller;
use crate::call::pending::PendingRequests;
use crate::call::proxy::Proxy;
use crate::claims::NameClaims;
use crate::downstream::new_session::NewSession;
use crate::downstream::unheard::Unheard;
use crate::protocol::list_changed;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_upstream::era::VERSION_HEADER;
use sandgate_upstream::{
    Answer, Asker, Availability, Body, Conversation, Definitions, Server, ServerError, ServerEvent,
    hints_at_absence,
};

/// A server's stream that ended is opened again after this long, then after twice as long, up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A client's way to one server.
pub(crate) struct ServerHandle {
    pub(super) proxy: Proxy,
    /// Among them the version that this server agreed to.
    pub(super) headers: HeaderMap,
    /// What the server said of itself; none where it could not be asked, and in the modern era, where nobody asks.
    pub(super) offer: Option<Offer>,
    /// Where what it says is kept until the client listens: a legacy session.
    unheard: Option<Unheard>,
    /// The server has not answered yet, or is down: it may be part of the whole later.
    pub(super) absent: bool,
    /// Ends the listening to it.
    _listening: Option<DropGuard>,
}

/// A server's answer to `initialize`.
pub(super) struct Offer {
    pub(super) version: Option<String>,
    pub(super) capabilities: Option<Json>,
    pub(super) instructions: Option<String>,
}

impl ServerHandle {
    /// Without anything kept beside it.
    pub(super) fn plain(proxy: Proxy, headers: HeaderMap) -> Self {
        let conversation = &proxy.conn.conversation;
        Self {
            absent: conversation.as_ref().is_err_and(hints_at_absence),
            proxy,
            headers,
            offer: None,
            unheard: None,
            _listening: None,
        }
    }

    /// The server agreed, and has not ended the conversation since.
    fn is_open(&self) -> bool {
        self.offer.is_some() && !self.proxy.conn.is_gone()
    }

    /// The reply to a request that goes to several servers. What comes before it on one's stream is for when the client
    /// listens.
    /// None where it does not come within the server's `list-timeout`.
    pub(super) async fn ask(&self, edition: &Arc<Edition>, message: Message) -> Option<Message> {
        let server = &self.proxy.conn.server;
        let reply = async {
            let ask = self.proxy.request(edition, message, &self.headers, None);
            let aside = |arrival| {
                if let Some(unheard) = &self.unheard {
                    keep(&self.proxy, unheard, arrival);
                }
            };
            ask.await.settle(aside).await
        };
        match tokio::time::timeout(server.config().list_timeout, reply).await {
            Ok(reply) => reply,
            Err(_) => {
                tracing::warn!(server = %server.name(), "no answer within `list-timeout`");
                server.check();
                None
            }
        }
    }

    /// What a client is told that was given lists without this server's part.
    fn notices(&self) -> Vec<&'static str> {
        let lists = [
            ("tools", list_changed::TOOLS),
            ("prompts", list_changed::PROMPTS),
            ("resources", list_changed::RESOURCES),
        ];
        let offered = lists.into_iter().filter(|(list, _)| self.offers(list));
        offered.map(|(_, notice)| notice).collect()
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

/// A server's place in a session: its way is opened in the background, so that nobody waits longer than they want to.
struct Slot {
    server: Arc<Server>,
    since: Instant,
    handle: watch::Receiver<Option<Arc<ServerHandle>>>,
    /// The client was given an answer that lacks this server's part.
    missed: Arc<AtomicBool>,
    /// Ends the opening.
    _opening: DropGuard,
}

impl Slot {
    /// The way that is open now, or has failed.
    fn now(&self) -> Option<Arc<ServerHandle>> {
        self.handle.borrow().clone()
    }

    /// It is of this server, and is open, or being opened, or waits for the server's next probe.
    fn serves(&self, server: &Arc<Server>) -> bool {
        let of = Arc::ptr_eq(&self.server, server);
        let holds = |handle: Arc<ServerHandle>| {
            handle.is_open() || (handle.absent && !can_be_asked(server))
        };
        of && self.now().is_none_or(holds)
    }
}

/// No probe is under way that finds out just that, and the last one did not find that it takes long to fail.
fn can_be_asked(server: &Arc<Server>) -> bool {
    let probing = matches!(server.availability(), Availability::Probing { .. });
    !probing && server.admits().is_ok()
}

/// How long a request waits for a server that is not joined yet.
#[derive(Clone, Copy)]
pub(super) enum WaitPolicy {
    /// It concerns all servers: `list-timeout` from when joining began.
    List,
    /// It concerns this one alone: `connect-timeout`.
    Call,
    /// There is nothing to begin with yet: `start-timeout`.
    Start,
    /// Not at all.
    Now,
}

/// All of one session's.
pub(crate) struct Links {
    shared: Arc<Shared>,
    caller: Caller,
    pseudonym: Arc<str>,
    /// The client's, for every server alike.
    initialize: Message,
    initialized: AtomicBool,
    pending: Arc<PendingRequests>,
    unheard: Unheard,
    over: CancellationToken,
    slots: Mutex<HashMap<Arc<str>, Slot>>,
    replayed_state: ReplayedState,
    claims: Arc<NameClaims>,
}

impl Links {
    pub(crate) fn new(
        shared: Arc<Shared>,
        start: &NewSession,
        caller: Caller,
        initialize: Message,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            caller,
            pseudonym: start.pseudonym.clone(),
            initialize,
            initialized: AtomicBool::new(false),
            pending: start.pending.clone(),
            unheard: start.unheard.clone(),
            over: start.over.clone(),
            slots: Mutex::default(),
            replayed_state: ReplayedState::default(),
            claims: NameClaims::new(),
        })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn replayed_state(&self) -> &ReplayedState {
        &self.replayed_state
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The way to this server: the one there is, or a new one. A server that fails now is asked again next time; one that
    /// is not there in time is joined when it is, and the client told of it.
    pub(super) async fn join(
        self: &Arc<Self>,
        edition: &Arc<Edition>,
        server: &Arc<Server>,
        wait: WaitPolicy,
    ) -> Arc<ServerHandle> {
        let (since, missed, mut handle) = {
            let mut slots = self.slots.lock();
            let before = slots.get(server.name());
            if before.is_none_or(|slot| !slot.serves(server)) {
                let missed = before.is_some_and(|slot| slot.missed.load(Ordering::Relaxed));
                let slot = self.begin(edition, server, missed);
                slots.insert(server.name().clone(), slot);
            }
            let slot = &slots[server.name()];
            (slot.since, slot.missed.clone(), slot.handle.clone())
        };
        let until = match (wait, server.availability()) {
            _ if server.admits().is_err() => Instant::now(),
            (WaitPolicy::List, Availability::Probing { since: probing }) => {
                since.min(probing) + server.config().list_timeout
            }
            (WaitPolicy::List, _) => since + server.config().list_timeout,
            (WaitPolicy::Call, _) => Instant::now() + server.config().connect_timeout,
            (WaitPolicy::Start, _) => Instant::now() + server.config().start_timeout,
            (WaitPolicy::Now, _) => Instant::now(),
        };
        let there = tokio::time::timeout_at(until, handle.wait_for(Option::is_some));
        let found = there.await.ok().and_then(|handle| handle.ok()?.clone());
        let absent = || {
            server.check();
            let error = server.admits().err().unwrap_or_else(|| server.starting());
            Arc::new(ServerHandle::plain(
                self.proxy(server, Err(error)),
                HeaderMap::new(),
            ))
        };
        let handle = found.unwrap_or_else(absent);
        if handle.absent {
            missed.store(true, Ordering::Relaxed);
        }
        handle
    }

    /// Opens the way to a server in the background, when it is there.
    fn begin(self: &Arc<Self>, edition: &Arc<Edition>, server: &Arc<Server>, missed: bool) -> Slot {
        let (found, handle) = watch::channel(None);
        let missed = Arc::new(AtomicBool::new(missed));
        let over = self.over.child_token();
        let opening = {
            let (links, edition, server) = (self.clone(), edition.clone(), server.clone());
            let missed = missed.clone();
            async move {
                loop {
                    server.probed().await;
                    if server.admits().is_err() {
                        server.up().await;
                    }
                    // Large, and once a session and server.
                    let opened = Box::pin(links.open(&edition, &server)).await;
                    let (absent, offer) = (opened.absent, opened.offer.is_some());
                    let notices = opened.notices();
                    found.send_replace(Some(Arc::new(opened)));
                    if offer && missed.swap(false, Ordering::Relaxed) {
                        for notice in notices {
                            let notice = ServerEvent::of(list_changed::notice(notice));
                            // Full: the client has plenty to catch up with.
                            let _ = links.unheard.keep(notice);
                        }
                    }
                    if !absent {
                        return;
                    }
                    server.up().await;
                }
            }
        };
        let token = over.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = opening => {}
            }
        });
        Slot {
            server: server.clone(),
            since: Instant::now(),
            handle,
            missed,
            _opening: over.drop_guard(),
        }
    }

    fn proxy(
        &self,
        server: &Arc<Server>,
        conversation: Result<Arc<Conversation>, ServerError>,
    ) -> Proxy {
        Proxy {
            shared: self.shared.clone(),
            caller: self.caller.clone(),
            conn: UpstreamConn::new(server.clone(), conversation),
            pending: Some(self.pending.clone()),
            claims: Some(self.claims.clone()),
        }
    }

    async fn open(&self, edition: &Arc<Edition>, server: &Arc<Server>) -> ServerHandle {
        let asker = Asker::new(self.caller.principal.name.as_ref(), &HeaderMap::new());
        let budget = &self.caller.budget;
        let conversation = server.converse_for(Era::Legacy, &asker, budget).await;
        let mut proxy = self.proxy(server, conversation);
        let none = HeaderMap::new();
        let asked = async {
            let ask = proxy.request(edition, self.initialize.clone(), &none, None);
            ask.await.settle(|_| ()).await
        };
        let Ok(reply) = tokio::time::timeout(server.config().start_timeout, asked).await else {
            server.check();
            return ServerHandle::plain(self.proxy(server, Err(server.starting())), none);
        };
        let Some(result) = reply
            .filter(|reply| !reply.failed())
            .map(|reply| reply.payload().clone())
        else {
            tracing::warn!(server = %server.name(), "left out of the merged endpoint: it did not agree to initialize");
            if proxy.conn.is_gone() {
                server.check();
            }
            return ServerHandle {
                absent: !server.is_there(),
                ..ServerHandle::plain(proxy, none)
            };
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
        let introduced = proxy.conn.introduction();
        proxy.caller = Caller::of_initialize(
            &self.caller.requester(),
            introduced.unwrap_or(self.initialize.payload()),
            offer.version.clone(),
            self.pseudonym.clone(),
        );
        if self.initialized.load(Ordering::Acquire) {
            let initialized =
                Message::notification("notifications/initialized", &Json::empty_object());
            proxy.notify(edition, initialized, &headers).await;
            // One that was there before had been asked already.
            for (n, request) in self.replayed_state.of(server.name()).iter().enumerate() {
                let id = Json::string(&format!("sandgate-again-{n}"));
                let Some(id) = Id::from_json(&id) else {
                    continue;
                };
                let request = request.with_id(&id);
                let asked = proxy.request(edition, request, &headers, None).await;
                asked.settle(|_| ()).await;
            }
        }
        let token = self.over.child_token();
        tokio::spawn(hear(
            proxy.clone(),
            headers.clone(),
            self.unheard.clone(),
            token.clone(),
        ));
        ServerHandle {
            proxy,
            headers,
            offer: Some(offer),
            unheard: Some(self.unheard.clone()),
            absent: false,
            _listening: Some(token.drop_guard()),
        }
    }

    /// What the client was last shown by a server that is joined.
    pub(super) fn definitions(&self, server: &Arc<Server>) -> Option<Arc<Definitions>> {
        let handle = self.slots.lock().get(server.name())?.now()?;
        let conn = &handle.proxy.conn;
        let open = conn.conversation.as_ref().ok()?;
        Arc::ptr_eq(&conn.server, server).then(|| open.definitions().clone())
    }

    /// The ways that are open now.
    pub(super) fn joined(&self) -> Vec<Arc<ServerHandle>> {
        let slots = self.slots.lock();
        let open = slots.values().filter_map(Slot::now);
        open.filter(|handle| handle.offer.is_some()).collect()
    }

    /// The client is ready: so it is for every server, also for those that are joined later.
    pub(super) fn initialized(&self) -> Vec<Arc<ServerHandle>> {
        self.initialized.store(true, Ordering::Release);
        self.joined()
    }

    /// The server whose request this progress of the client's is about.
    pub(super) fn asker(&self, progress: &Message) -> Vec<Arc<ServerHandle>> {
        let Some(token) = progress.payload().get("progressToken") else {
            return Vec::new();
        };
        let Some(conn) = self.pending.asker(token.as_str()) else {
            return Vec::new();
        };
        self.joined()
            .into_iter()
            .filter(|handle| handle.proxy.conn.is(&conn))
            .collect()
    }

    pub(crate) async fn close(&self) {
        for handle in self.joined() {
            if let Ok(conversation) = &handle.proxy.conn.conversation {
                conversation.close().await;
            }
        }
    }
}

/// What a server says unasked, kept until the client listens.
async fn hear(proxy: Proxy, mut headers: HeaderMap, unheard: Unheard, over: CancellationToken) {
    let Ok(conversation) = proxy.conn.conversation.clone() else {
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
            if let Some(arrival) = proxy.receive_event(arrival).await {
                keep(&proxy, &unheard, arrival);
            }
        }
        // A child that said its last word does not speak again.
        if !proxy.conn.server.transport().outlives_stream() {
            let server = proxy.conn.server.name().clone();
            proxy.conn.note(&ServerError::Closed { server });
            return;
        }
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(AGAIN.1),
        }
    }
}

/// Bounded: a client that never listens loses notifications, and cannot be asked anything.
fn keep(proxy: &Proxy, unheard: &Unheard, arrival: ServerEvent) {
    let Some(message) = arrival.message else {
        return;
    };
    let Err(lost) = unheard.keep(ServerEvent::of(message)) else {
        return;
    };
    let message = lost.message;
    if let Some(Shape::Request { id, .. }) = message.as_ref().map(Message::shape)
        && let Some(question) = proxy
            .pending
            .as_ref()
            .and_then(|pending| pending.answered(id))
    {
        let proxy = proxy.clone();
        tokio::spawn(async move { proxy.unaskable(&question.id, question.in_flight).await });
    }
}
