//! A server's answers and events.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};

use super::ServerError;
use super::facts::ServerFacts;
use sandgate_wire::Permit;
use sandgate_wire::framing::sse;

/// A server's answer to one message. The answer of a stdio server gets the status that an HTTP server would have used.
#[derive(Debug)]
pub struct Answer {
    /// The server's status; 200 or 202 for a stdio server.
    pub status: StatusCode,
    /// The headers that are returned to the client: never a session id, a cookie, a hop-by-hop header or
    /// `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// The body of an [`Answer`].
#[derive(Debug)]
pub enum Body {
    /// No message: the message sent needs no reply (202), or the server refused it (4xx, 5xx) without a JSON-RPC error
    /// that answers it. Any other body is dropped.
    Empty,
    /// One message. With a 2xx status it is the reply with the request's own id; with any other it is an error with
    /// that id or none.
    Message(Message),
    /// A stream of messages.
    Stream(ServerEvents),
}

/// The messages of a server as a stream. For a request it contains what belongs to the request, then the reply, then
/// ends; a failure is the last item. A legacy server that puts ids on its events may close the stream before the reply,
/// which the client then resumes with [`Conversation::listen`](super::Conversation::listen).
///
/// Dropping the stream before its end tells the server that the answer is no longer wanted: the HTTP response is
/// closed, and a stdio server gets `notifications/cancelled`.
pub struct ServerEvents {
    source: Pin<Box<dyn Stream<Item = Result<ServerEvent, ServerError>> + Send>>,
    /// The request's place, and the facts in which a failure is noted.
    held: Option<(Permit, Arc<ServerFacts>)>,
}

impl ServerEvents {
    /// Creates a stream from any source.
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

    /// Waits for the reply and drops the messages before it; `None` if the stream ends without a reply.
    pub(super) async fn reply(mut self) -> Option<Message> {
        while let Some(Ok(event)) = self.next().await {
            if let Some(message) = event.message.filter(is_reply) {
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
        f.write_str("ServerEvents")
    }
}

/// Whether a message is a reply.
pub(super) fn is_reply(message: &Message) -> bool {
    matches!(message.shape(), Shape::Result { .. } | Shape::Error { .. })
}

/// One event of a stream, with what the client needs of its frame. Comments and events with other names are dropped. An
/// empty event says that the stream is alive.
#[derive(Clone, Debug, Default)]
pub struct ServerEvent {
    /// The message; `None` for an event without data, which may still have an id to resume from.
    pub message: Option<Message>,
    /// Whether the event has an empty data line. Without that line, clients would ignore its id.
    pub blank: bool,
    /// Whether the server names the event `message`, which is also the meaning of no name.
    pub named: bool,
    /// The event's id for `Last-Event-ID`, in visible ASCII.
    pub id: Option<String>,
    /// The time after which to reconnect, in milliseconds.
    pub retry: Option<u32>,
}

impl ServerEvent {
    /// Whether the event is the reply, after which nothing comes.
    pub fn is_reply(&self) -> bool {
        matches!(
            self.message.as_ref().map(Message::shape),
            Some(Shape::Result { .. } | Shape::Error { .. })
        )
    }

    /// An event with only a message.
    pub fn of(message: Message) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }

    /// Writes the event as a server-sent event, with the data on one line.
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
