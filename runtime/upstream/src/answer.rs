//! What comes back from a server.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};

use super::ServerError;
use super::facts::ServerFacts;
use crate::Permit;
use crate::framing::sse;

/// What a server answered to one message. A stdio server's answers are given the status that an HTTP server would have
/// used.
#[derive(Debug)]
pub struct Answer {
    /// The server's own; 200 or 202 for a stdio server.
    pub status: StatusCode,
    /// The end-to-end ones worth passing on: never a session id, a cookie or a hop-by-hop header. No `ClientResponseBody-Length`.
    pub headers: HeaderMap,
    /// What it said.
    pub body: Body,
}

/// The body of an [`Answer`].
#[derive(Debug)]
pub enum Body {
    /// Nothing: what was sent needs no reply (202), or the server refused it (4xx, 5xx) without an error of JSON-RPC that
    /// answers it. What it said instead goes no further.
    Empty,
    /// One message. Under a 2xx it is the reply to the request, with the request's own id; under any other status it is
    /// an error with that id or none.
    Message(Message),
    /// Messages one by one.
    Stream(ServerEvents),
}

/// Messages as a server sends them. To a request: whatever belongs to it, then its reply, then the end; a failure is
/// the last item. A legacy server that numbers its events may close the stream before the reply: the client resumes it
/// by [`Conversation::listen`](super::Conversation::listen).
///
/// Dropping it before its end tells the server that nobody waits any more: the HTTP response is closed, a stdio server
/// gets `notifications/cancelled`.
pub struct ServerEvents {
    source: Pin<Box<dyn Stream<Item = Result<ServerEvent, ServerError>> + Send>>,
    /// The request's place among those under way, and whom to tell when it fails.
    held: Option<(Permit, Arc<ServerFacts>)>,
}

impl ServerEvents {
    /// From any source.
    pub fn new(
        source: impl Stream<Item = Result<ServerEvent, ServerError>> + Send + 'static,
    ) -> Self {
        Self {
            source: Box::pin(source),
            held: None,
        }
    }

    /// Keeps a request's place until the stream is dropped.
    pub(super) fn holding(mut self, place: Permit, known: Arc<ServerFacts>) -> Self {
        self.held = Some((place, known));
        self
    }

    /// Waits for the reply and drops what comes before it; none where no reply comes.
    pub(super) async fn reply(mut self) -> Option<Message> {
        while let Some(Ok(arrival)) = self.next().await {
            if let Some(message) = arrival.message.filter(is_reply) {
                return Some(message);
            }
        }
        None
    }
}

impl Stream for ServerEvents {
    type Item = Result<ServerEvent, ServerError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.source.as_mut().poll_next(cx);
        if let (Poll::Ready(Some(Err(error))), Some((_, known))) = (&next, &self.held) {
            known.vitals.failed(error);
        }
        next
    }
}

impl std::fmt::Debug for ServerEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arrivals")
    }
}

/// The message answers a request.
pub(super) fn is_reply(message: &Message) -> bool {
    matches!(message.shape(), Shape::Result { .. } | Shape::Error { .. })
}

/// One event of a stream, and what the client needs of its frame. What a server writes beside that (comments, other
/// names of events) goes no further. Empty: the server says that the stream is alive.
#[derive(Clone, Debug, Default)]
pub struct ServerEvent {
    /// None for an event that carries no data: an id to resume from.
    pub message: Option<Message>,
    /// It has a data line with nothing in it. Without the line, clients would not take notice of its id.
    pub blank: bool,
    /// The server names its events `message`, which is what they are without a name too.
    pub named: bool,
    /// The event's id, for `Last-Event-ID`: visible ASCII.
    pub id: Option<String>,
    /// Milliseconds after which to reconnect.
    pub retry: Option<u32>,
}

impl ServerEvent {
    /// The event is the reply: nothing more comes.
    pub fn is_reply(&self) -> bool {
        matches!(
            self.message.as_ref().map(Message::shape),
            Some(Shape::Result { .. } | Shape::Error { .. })
        )
    }

    /// A message with nothing around it.
    pub fn of(message: Message) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }

    /// As a server-sent event of the gateway's own making, the data on one line.
    pub fn write_sse(&self, out: &mut BytesMut) {
        let data = self.message.as_ref().map(Message::line);
        let fields = sse::Fields {
            named: self.named && data.is_some(),
            id: self.id.as_deref(),
            retry: self.retry,
            data: data.as_deref().or(self.blank.then_some(b"")),
        };
        sse::write(out, &fields);
    }
}
