//! A legacy client's session: who it is, the conversations behind it, and what is open between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_message::Message;
use tokio_util::sync::CancellationToken;

use super::endpoint::Endpoint;
use super::new_session::NewSession;
use super::unheard::Hearing;
use crate::auth::principals::Principal;
use crate::call::caller::Caller;
use crate::call::pending::PendingRequests;
use crate::call::proxy::Proxy;
use crate::merged::Links;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_upstream::ServerEvent;

/// One session. Its id on the wire is known to the client and to the table of sessions only.
pub(crate) struct Session {
    start: NewSession,
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

impl Session {
    /// The server has agreed to the session.
    pub(crate) fn new(start: NewSession, caller: Caller, backing: Backing) -> Self {
        Self {
            start,
            caller,
            backing,
            listener: Mutex::default(),
            touched: Mutex::new(Instant::now()),
            listened: AtomicBool::new(false),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.start.id
    }
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.start.endpoint
    }
    /// Whose it is.
    pub(crate) fn principal(&self) -> &Arc<Principal> {
        &self.start.requester.principal
    }
    pub(crate) fn pending(&self) -> &Arc<PendingRequests> {
        &self.start.pending
    }
    pub(crate) fn backing(&self) -> &Backing {
        &self.backing
    }
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.start.over
    }
    pub(crate) fn hearing(&self) -> Arc<tokio::sync::Mutex<Hearing>> {
        self.start.hearing.clone()
    }
    pub(crate) fn proxy(&self, shared: &Arc<Shared>, conn: UpstreamConn) -> Proxy {
        self.start.proxy(shared, self.caller.clone(), conn)
    }

    /// A message of the gateway's own, for when the client listens.
    pub(crate) fn notice(&self, message: Message) {
        // Full: the client has plenty to catch up with, and these notices say nothing twice.
        let _ = self.start.unheard.keep(ServerEvent::of(message));
    }

    /// A new listener takes the place of the one before.
    pub(crate) fn take_over(&self) -> CancellationToken {
        let token = self.start.over.child_token();
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
        let listens = self.start.hearing.try_lock().is_err();
        !listens && self.start.pending.is_idle() && self.touched.lock().elapsed() >= time
    }

    /// Its client is still known, its server is still the one in force, and has not ended the conversation. On the merged endpoint servers come and
    /// go.
    pub(crate) fn stands(&self, edition: &Edition) -> bool {
        if self.start.requester.principal.over().is_cancelled() {
            return false;
        }
        match &self.backing {
            Backing::One(conn) => edition.has(&conn.server) && !conn.is_gone(),
            Backing::Many(_) => true,
        }
    }

    /// Takes nothing more; what is under way may finish, and the last of it closes the conversations.
    pub(crate) fn retire(&self) {
        self.start.over.cancel();
    }

    /// Ends at once.
    pub(crate) async fn end(&self) {
        self.start.over.cancel();
        self.start.pending.close();
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
