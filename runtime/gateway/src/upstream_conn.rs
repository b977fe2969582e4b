//! A connection to a server: the server, and one client's conversation with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use sandgate_message::{Json, Message};
use tokio::sync::Semaphore;

use sandgate_observe::NotificationBudget;
use sandgate_upstream::{Answer, Conversation, Definitions, Server, ServerError};

/// The most replies of the gateway's own that one server may have left unread.
const MOST_OWED: usize = 64;

/// A server and a client's conversation with it. If the conversation could not be opened, each call to it fails, but is
/// still judged and recorded.
#[derive(Clone)]
pub(crate) struct UpstreamConn {
    pub(crate) server: Arc<Server>,
    pub(crate) conversation: Result<Arc<Conversation>, ServerError>,
    /// Whether the server has ended the conversation.
    gone: Arc<AtomicBool>,
    /// The permits for replies of the gateway's own that the server has not read yet.
    owed: Arc<Semaphore>,
    /// The params of the `initialize` that began the conversation, as the server got them.
    introduction: Arc<OnceLock<Json>>,
    /// Bounds what the conversation's notifications write to the call log.
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

    /// Notes a request that is about to be forwarded. The params of an `initialize` are kept as the interceptors left
    /// them, since those tell the server who the client is.
    pub(crate) fn note_request(&self, request: &Message) {
        if request.method() == Some("initialize") {
            let _ = self.introduction.set(request.payload().clone());
        }
    }

    /// The params of the `initialize` that began the conversation, as the server got them.
    pub(crate) fn introduction(&self) -> Option<&Json> {
        self.introduction.get()
    }

    /// The definitions that the server was last seen to offer to this client.
    pub(crate) fn definitions(&self) -> Option<&Definitions> {
        self.conversation
            .as_ref()
            .ok()
            .map(|open| &**open.definitions())
    }

    /// Notes whether an error ends the conversation.
    pub(crate) fn note(&self, error: &ServerError) {
        use ServerError::{Closed, Exited, SessionGone};
        if matches!(error, Closed { .. } | Exited { .. } | SessionGone { .. }) {
            self.gone.store(true, Ordering::Release);
        }
    }

    /// Whether the conversation has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Whether both are the same conversation.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.conversation, &other.conversation) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Sends a reply of the gateway's own without waiting, since the server may itself wait until its output is read.
    /// Further replies to a server that does not read are dropped.
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
    /// Sends a notification or a reply, and notes an error that ends the conversation.
    ///
    /// # Errors
    ///
    /// The conversation was never opened, or the message cannot be sent.
    pub(crate) async fn send(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let sent = self.conversation.clone()?.send(message, headers).await;
        sent.inspect_err(|error| self.note(error))
    }
}
