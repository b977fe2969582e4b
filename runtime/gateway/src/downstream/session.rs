//! A legacy client's session: who it is, the conversations behind it, and what is open between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_message::Message;
use tokio_util::sync::CancellationToken;

use super::Endpoint;
use super::unheard::{Hearing, Unheard};
use crate::admission::Permit;
use crate::auth::principals::Principal;
use crate::call::describe::{Caller, Requester};
use crate::call::pending::PendingRequests;
use crate::call::proxy::Proxy;
use crate::merged::Links;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream::ServerEvent;
use crate::upstream_conn::UpstreamConn;

/// One session. Its id on the wire is known to the client and to the table of sessions only.
pub(crate) struct Session {
    ground: NewSession,
    caller: Caller,
    backing: Backing,
    /// Ends the stream that listens now, for the next to take its place.
    listener: Mutex<CancellationToken>,
    touched: Mutex<Instant>,
    /// The client has listened: where it does so no more, it is gone, or it comes back soon.
    listened: AtomicBool,
}

/// What a session stands on.
pub(crate) enum Backing {
    One(UpstreamConn),
    Many(Arc<Links>),
}

/// A session before the server has agreed to it.
pub(crate) struct NewSession {
    id: Box<str>,
    pub(crate) pseudonym: Arc<str>,
    endpoint: Endpoint,
    requester: Requester,
    pub(crate) pending: Arc<PendingRequests>,
    pub(crate) unheard: Unheard,
    hearing: Arc<tokio::sync::Mutex<Hearing>>,
    pub(crate) over: CancellationToken,
    _place: Permit,
}

impl NewSession {
    /// On the merged endpoint servers' ids may clash, so the client sees ids of the gateway's there.
    pub(crate) fn new(
        id: Box<str>,
        pseudonym: Arc<str>,
        endpoint: Endpoint,
        requester: Requester,
        max_in_flight: usize,
        place: Permit,
    ) -> Self {
        let (unheard, hearing) = Unheard::new();
        let pending = PendingRequests::new(max_in_flight, endpoint == Endpoint::Merged);
        let hearing = Arc::new(tokio::sync::Mutex::new(hearing));
        Self {
            id,
            pseudonym,
            endpoint,
            requester,
            pending,
            unheard,
            hearing,
            over: CancellationToken::new(),
            _place: place,
        }
    }

    pub(crate) fn proxy(&self, shared: &Arc<Shared>, caller: Caller, conn: UpstreamConn) -> Proxy {
        Proxy {
            shared: shared.clone(),
            caller,
            conn,
            pending: Some(self.pending.clone()),
            claims: None,
        }
    }

    pub(crate) fn session(self, caller: Caller, backing: Backing) -> Session {
        Session {
            ground: self,
            caller,
            backing,
            listener: Mutex::default(),
            touched: Mutex::new(Instant::now()),
            listened: AtomicBool::new(false),
        }
    }
}

impl Session {
    pub(crate) fn id(&self) -> &str {
        &self.ground.id
    }
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.ground.endpoint
    }
    /// Whose it is.
    pub(crate) fn principal(&self) -> &Arc<Principal> {
        &self.ground.requester.principal
    }
    pub(crate) fn pending(&self) -> &Arc<PendingRequests> {
        &self.ground.pending
    }
    pub(crate) fn backing(&self) -> &Backing {
        &self.backing
    }
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.ground.over
    }
    pub(crate) fn hearing(&self) -> Arc<tokio::sync::Mutex<Hearing>> {
        self.ground.hearing.clone()
    }
    pub(crate) fn proxy(&self, shared: &Arc<Shared>, conn: UpstreamConn) -> Proxy {
        self.ground.proxy(shared, self.caller.clone(), conn)
    }

    /// A message of the gateway's own, for when the client listens.
    pub(crate) fn notice(&self, message: Message) {
        // Full: the client has plenty to catch up with, and these notices say nothing twice.
        let _ = self.ground.unheard.keep(ServerEvent::of(message));
    }

    /// A new listener takes the place of the one before.
    pub(crate) fn take_over(&self) -> CancellationToken {
        let token = self.ground.over.child_token();
        std::mem::replace(&mut *self.listener.lock(), token.clone()).cancel();
        self.listened.store(true, Ordering::Relaxed);
        token
    }

    pub(crate) fn touch(&self) {
        *self.touched.lock() = Instant::now();
    }

    /// Nobody used it for so long, or for `gone` since its client listened last. A client that listens uses it.
    pub(crate) fn idle_for(&self, time: Duration, gone: Duration) -> bool {
        let time = match self.listened.load(Ordering::Relaxed) {
            true => time.min(gone),
            false => time,
        };
        let listens = self.ground.hearing.try_lock().is_err();
        !listens && self.ground.pending.is_idle() && self.touched.lock().elapsed() >= time
    }

    /// Its client is still known, its server is still the one in force, and has not ended the conversation. On the merged endpoint servers come and
    /// go.
    pub(crate) fn stands(&self, edition: &Edition) -> bool {
        if self.ground.requester.principal.over().is_cancelled() {
            return false;
        }
        match &self.backing {
            Backing::One(conn) => edition.has(&conn.server) && !conn.is_gone(),
            Backing::Many(_) => true,
        }
    }

    /// Takes nothing more; what is under way may finish, and the last of it closes the conversations.
    pub(crate) fn retire(&self) {
        self.ground.over.cancel();
    }

    /// Ends at once.
    pub(crate) async fn end(&self) {
        self.ground.over.cancel();
        self.ground.pending.close();
        match &self.backing {
            Backing::One(conn) => {
                if let Ok(conversation) = &conn.conversation {
                    conversation.close().await;
                }
            }
            Backing::Many(links) => links.close().await,
        }
    }
}
