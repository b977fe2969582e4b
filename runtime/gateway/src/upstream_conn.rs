//! A server, and the conversation of one client with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use sandgate_message::{Json, Message};
use tokio::sync::Semaphore;

use crate::observe::notification_budget::NotificationBudget;
use sandgate_upstream::{Answer, Conversation, Definitions, Server, ServerError};

/// Replies of the gateway's own that one server has not read yet.
const MOST_OWED: usize = 64;

/// A server, and the conversation with it. One that could not be opened is a server that fails each call: the call is
/// judged and recorded all the same.
#[derive(Clone)]
pub(crate) struct UpstreamConn {
    pub(crate) server: Arc<Server>,
    pub(crate) conversation: Result<Arc<Conversation>, ServerError>,
    /// The server has ended it, whoever found out.
    gone: Arc<AtomicBool>,
    /// Replies of the gateway's own to the server's requests that it has yet to take.
    owed: Arc<Semaphore>,
    /// The params of the `initialize` with which it began, as the server got them.
    introduction: Arc<OnceLock<Json>>,
    /// Bounds what its notifications write to the call log.
    pub(crate) notification_budget: Arc<NotificationBudget>,
}

impl UpstreamConn {
    pub(crate) fn new(
        server: Arc<Server>,
        conversation: Result<Arc<Conversation>, ServerError>,
    ) -> Self {
        Self {
            server,
            conversation,
            gone: Arc::default(),
            owed: Arc::new(Semaphore::new(MOST_OWED)),
            introduction: Arc::default(),
            notification_budget: Arc::default(),
        }
    }

    /// A request goes on, changed by every interceptor that wanted to: who the client is in this conversation is what an
    /// `initialize` says now, not what it said when it came.
    pub(crate) fn note_request(&self, request: &Message) {
        if request.method() == Some("initialize") {
            let _ = self.introduction.set(request.payload().clone());
        }
    }

    /// The params of the `initialize` with which it began, as the server got them.
    pub(crate) fn introduction(&self) -> Option<&Json> {
        self.introduction.get()
    }

    /// What the server was last seen to offer to this client.
    pub(crate) fn definitions(&self) -> Option<&Definitions> {
        self.conversation
            .as_ref()
            .ok()
            .map(|open| &**open.definitions())
    }

    /// What an error says about the conversation as a whole.
    pub(crate) fn note(&self, error: &ServerError) {
        use ServerError::{Closed, Exited, SessionGone};
        if matches!(error, Closed { .. } | Exited { .. } | SessionGone { .. }) {
            self.gone.store(true, Ordering::Release);
        }
    }

    /// Nothing more can be said in it.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// The very same conversation.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.conversation, &other.conversation) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Sends a reply of the gateway's own without waiting: the server may itself be waiting until what it sends is read. A
    /// server that asks and does not read loses further replies.
    pub(crate) fn reply(&self, reply: Message) {
        let server = self.server.name().clone();
        let Ok(place) = self.owed.clone().try_acquire_owned() else {
            tracing::warn!(%server, "dropped a reply: the server has not read earlier ones");
            return;
        };
        let conn = self.clone();
        tokio::spawn(async move {
            if let Err(error) = conn.send(&reply, &HeaderMap::new()).await {
                tracing::warn!(%server, "{error}");
            }
            drop(place);
        });
    }
    /// Sends without a client waiting for what comes of it.
    pub(crate) async fn send(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let sent = self.conversation.clone()?.send(message, headers).await;
        sent.inspect_err(|error| self.note(error))
    }
}
