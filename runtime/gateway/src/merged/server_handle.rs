//! A client's handle to one server of the merged endpoint, and what the server sends without being asked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};
use sandgate_message::{Json, Message, Shape};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::call::proxy::Proxy;
use crate::downstream::unheard::Unheard;
use crate::protocol::list_changed;
use crate::registry::Edition;
use sandgate_upstream::{Answer, Body, ServerError, ServerEvent, hints_at_absence};

/// The first pause before a stream that ended is opened again, and the longest; the pause doubles in between.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A client's handle to one server.
pub(crate) struct ServerHandle {
    pub(super) proxy: Proxy,
    /// The headers for requests to the server, among them the protocol version that it agreed to.
    pub(super) headers: HeaderMap,
    /// The server's answer to `initialize`; `None` where it could not be asked, and in the modern era, which has no
    /// `initialize`.
    pub(super) offer: Option<Offer>,
    /// The queue for messages that wait until the client listens; `None` outside a legacy session.
    pub(super) unheard: Option<Unheard>,
    /// Whether the server is down or has not answered yet, and may join later.
    pub(super) absent: bool,
    /// Stops listening to the server when dropped.
    pub(super) _listening: Option<DropGuard>,
}

/// A server's answer to `initialize`.
pub(super) struct Offer {
    pub(super) version: Option<String>,
    pub(super) capabilities: Option<Json>,
    pub(super) instructions: Option<String>,
}

impl ServerHandle {
    /// A handle without an offer and without a queue for messages.
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

    /// Whether the server agreed to `initialize` and has not ended the conversation since.
    pub(super) fn is_open(&self) -> bool {
        self.offer.is_some() && !self.proxy.conn.is_gone()
    }

    /// Sends a request that goes to several servers and waits for its reply. Messages that precede the reply are queued
    /// for the listening client. `None` if there is no reply within the server's `list-timeout`.
    pub(super) async fn ask(&self, edition: &Arc<Edition>, message: Message) -> Option<Message> {
        let server = &self.proxy.conn.server;
        let reply = async {
            let ask = self.proxy.request(edition, message, &self.headers, None);
            let aside = |event| {
                if let Some(unheard) = &self.unheard {
                    keep(&self.proxy, unheard, event);
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

    /// The list-changed notifications for a client that was given lists without this server's entries.
    pub(super) fn notices(&self) -> Vec<&'static str> {
        let lists = [
            ("tools", list_changed::TOOLS),
            ("prompts", list_changed::PROMPTS),
            ("resources", list_changed::RESOURCES),
        ];
        let offered = lists.into_iter().filter(|(list, _)| self.offers(list));
        offered.map(|(_, notice)| notice).collect()
    }

    /// Whether the server offers this capability. A server without a known offer counts as offering it.
    pub(super) fn offers(&self, capability: &str) -> bool {
        let said = self
            .offer
            .as_ref()
            .and_then(|offer| offer.capabilities.as_ref());
        said.is_none_or(|capabilities| capabilities.get(capability).is_some())
    }
}

/// Listens to a server and queues what it sends until the client listens.
pub(super) async fn hear(
    proxy: Proxy,
    mut headers: HeaderMap,
    unheard: Unheard,
    over: CancellationToken,
) {
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
            body: Body::Stream(mut events),
            ..
        }) = answer
        else {
            return;
        };
        loop {
            let event = tokio::select! {
                () = over.cancelled() => return,
                event = events.next() => event,
            };
            let Some(Ok(event)) = event else { break };
            wait = AGAIN.0;
            if let Some(id) = event
                .id
                .as_deref()
                .and_then(|id| HeaderValue::from_str(id).ok())
            {
                headers.insert("last-event-id", id);
            }
            if let Some(event) = proxy.receive_event(event).await {
                keep(&proxy, &unheard, event);
            }
        }
        // A child process whose stream ended does not send again.
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

/// Queues a message. If the queue is full, a notification is lost and a request is answered with an error.
fn keep(proxy: &Proxy, unheard: &Unheard, event: ServerEvent) {
    let Some(message) = event.message else {
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
