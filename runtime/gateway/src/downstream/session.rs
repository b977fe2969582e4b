//! Legacy sessions: the client, its server conversations, and the requests in flight between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_access::{Endpoint, Principal};
use sandgate_message::Message;
use tokio_util::sync::CancellationToken;

use super::new_session::NewSession;
use super::unheard::Hearing;
use crate::call::caller::Caller;
use crate::call::pending::PendingRequests;
use crate::call::proxy::Proxy;
use crate::merged::Links;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_upstream::ServerEvent;

/// A session. Only the client and the table of sessions know its id on the wire.
pub(crate) struct Session {
    start: NewSession,
    caller: Caller,
    backing: Backing,
    /// Ends the current listening stream when another takes its place.
    listener: Mutex<CancellationToken>,
    touched: Mutex<Instant>,
    /// Whether the client has ever listened. A client that stopped listening is gone, or comes back soon.
    listened: AtomicBool,
}

/// The server side of a session.
pub(crate) enum Backing {
    One(UpstreamConn),
    Many(Arc<Links>),
}

impl Session {
    /// Creates a session that its server has agreed to.
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
    /// The principal that opened the session.
    pub(crate) fn principal(&self) -> &Arc<Principal> {
        &self.start.requester.principal
    }
    /// The client, as it introduced itself.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
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

    /// Queues a notification of the gateway's own until the client listens.
    pub(crate) fn notice(&self, message: Message) {
        // If the queue is full, the client has plenty to catch up with, and these notifications are not repeated.
        let _ = self.start.unheard.keep(ServerEvent::of(message));
    }

    /// Ends the current listening stream. Returns the token of its successor.
    pub(crate) fn take_over(&self) -> CancellationToken {
        let token = self.start.over.child_token();
        std::mem::replace(&mut *self.listener.lock(), token.clone()).cancel();
        self.listened.store(true, Ordering::Relaxed);
        token
    }

    pub(crate) fn touch(&self) {
        *self.touched.lock() = Instant::now();
    }

    /// Whether the session has been unused for `time`, or for `gone` if its client has listened before. A listening
    /// client uses the session.
    pub(crate) fn idle_for(&self, time: Duration, gone: Duration) -> bool {
        let time = match self.listened.load(Ordering::Relaxed) {
            true => time.min(gone),
            false => time,
        };
        let listens = self.start.hearing.try_lock().is_err();
        !listens && self.start.pending.is_idle() && self.touched.lock().elapsed() >= time
    }

    /// Whether the session may go on: its client is still configured, its server is part of the edition and shown to the
    /// client and not stopped, and the server has not ended the conversation. On the merged endpoint servers come and go.
    pub(crate) fn stands(&self, edition: &Edition) -> bool {
        if self.start.requester.principal.over().is_cancelled() {
            return false;
        }
        match &self.backing {
            Backing::One(conn) => {
                let viewer = self.principal().viewer();
                let shown = edition.views().show(viewer, conn.server.name());
                shown && edition.has(&conn.server) && !conn.server.is_held() && !conn.is_gone()
            }
            Backing::Many(_) => true,
        }
    }

    /// Ends the conversations with servers that are held, where the session has others.
    pub(crate) async fn leave_held(&self) {
        if let Backing::Many(links) = &self.backing {
            links.leave_held().await;
        }
    }

    /// Ends the session for new messages. Calls in flight may finish; the last one closes the conversations.
    pub(crate) fn retire(&self) {
        self.start.over.cancel();
    }

    /// Ends the session at once: cancels calls and closes the conversations.
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
