//! The server conversations behind a session of the merged endpoint. Each is opened when first needed, and again when a
//! reload has replaced its server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use sandgate_message::{Era, Id, Json, Message};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::replayed_state::ReplayedState;
use super::server_handle::{Offer, ServerHandle, hear};
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
use sandgate_upstream::{
    Asker, Availability, Conversation, Definitions, Server, ServerError, ServerEvent,
};
use sandgate_wire::era::VERSION_HEADER;

/// A server's slot in a session. The conversation is opened in the background, so that no request waits longer than its
/// [`WaitPolicy`].
struct Slot {
    server: Arc<Server>,
    since: Instant,
    handle: watch::Receiver<Option<Arc<ServerHandle>>>,
    /// Whether the client was given an answer without this server's part.
    missed: Arc<AtomicBool>,
    /// Stops opening the conversation when dropped.
    _opening: DropGuard,
}

impl Slot {
    /// The current handle, open or failed; `None` while it is being opened.
    fn now(&self) -> Option<Arc<ServerHandle>> {
        self.handle.borrow().clone()
    }

    /// Whether the slot still serves this server: its handle is open or being opened, or it waits for the server's next
    /// probe.
    fn serves(&self, server: &Arc<Server>) -> bool {
        let of = Arc::ptr_eq(&self.server, server);
        let holds = |handle: Arc<ServerHandle>| {
            handle.is_open() || (handle.absent && !can_be_asked(server))
        };
        of && self.now().is_none_or(holds)
    }
}

/// Whether the server can be asked now: no probe is running, and the server admits requests.
fn can_be_asked(server: &Arc<Server>) -> bool {
    let probing = matches!(server.availability(), Availability::Probing { .. });
    !probing && server.admits().is_ok()
}

/// How long a request waits for a server that has not joined yet.
#[derive(Clone, Copy)]
pub(super) enum WaitPolicy {
    /// For a request to all servers: `list-timeout` from the time joining began.
    List,
    /// For a request to this server alone: `connect-timeout`.
    Call,
    /// For a session with no server yet: `start-timeout`.
    Start,
    /// Do not wait.
    Now,
}

/// The server conversations of one session.
pub(crate) struct Links {
    shared: Arc<Shared>,
    caller: Caller,
    pseudonym: Arc<str>,
    /// The client's `initialize`, which every server gets.
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

    /// Returns the handle to a server, opening a new one where there is none. A server that fails is asked again next
    /// time. One that is not ready in time joins later, and the client is then notified.
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

    /// Starts opening a conversation in the background, once the server is up.
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
                    // Boxed because the future is large and runs once per session and server.
                    let opened = Box::pin(links.open(&edition, &server)).await;
                    let (absent, offer) = (opened.absent, opened.offer.is_some());
                    let notices = opened.notices();
                    found.send_replace(Some(Arc::new(opened)));
                    if offer && missed.swap(false, Ordering::Relaxed) {
                        for notice in notices {
                            let notice = ServerEvent::of(list_changed::notice(notice));
                            // If the queue is full, the client has plenty to catch up with.
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

    pub(super) fn proxy(
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
            // A server that joined before `initialized` was sent these requests by the client itself.
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

    /// The definitions that the client was last shown by a joined server.
    pub(super) fn definitions(&self, server: &Arc<Server>) -> Option<Arc<Definitions>> {
        let handle = self.slots.lock().get(server.name())?.now()?;
        let conn = &handle.proxy.conn;
        let open = conn.conversation.as_ref().ok()?;
        Arc::ptr_eq(&conn.server, server).then(|| open.definitions().clone())
    }

    /// The handles that are open now.
    pub(super) fn joined(&self) -> Vec<Arc<ServerHandle>> {
        let slots = self.slots.lock();
        let open = slots.values().filter_map(Slot::now);
        open.filter(|handle| handle.offer.is_some()).collect()
    }

    /// Notes that the client is initialized, also for servers that join later. Returns the handles of the joined ones.
    pub(super) fn initialized(&self) -> Vec<Arc<ServerHandle>> {
        self.initialized.store(true, Ordering::Release);
        self.joined()
    }

    /// The handle of the server whose request the client reports progress on; empty if there is none.
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

    /// Ends the conversations with servers that are held. They are opened anew when such a server is released.
    pub(crate) async fn leave_held(&self) {
        let left: Vec<Slot> = {
            let mut slots = self.slots.lock();
            let held = slots.extract_if(|_, slot| slot.server.is_held());
            held.map(|(_, slot)| slot).collect()
        };
        for handle in left.iter().filter_map(Slot::now) {
            if let Ok(conversation) = &handle.proxy.conn.conversation {
                conversation.close().await;
            }
        }
    }

    pub(crate) async fn close(&self) {
        for handle in self.joined() {
            if let Ok(conversation) = &handle.proxy.conn.conversation {
                conversation.close().await;
            }
        }
    }
}
