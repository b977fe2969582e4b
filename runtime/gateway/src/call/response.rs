//! Responses to clients, independent of the transport.

use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};
use tokio_util::sync::CancellationToken;

use sandgate_upstream::ServerEvent;

/// Events for a client, each of which passed the pipeline.
pub(crate) type EventStream = Pin<Box<dyn Stream<Item = ServerEvent> + Send>>;

/// A response to a client. Stdio ignores the status and the headers.
pub(crate) struct ClientResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ClientResponseBody,
}

/// The body of a response.
pub(crate) enum ClientResponseBody {
    Empty,
    /// A body that is not JSON-RPC: the server's own, with its `Content-Type` among the headers, or plain text of the
    /// gateway's.
    Raw(Bytes),
    Message(Message),
    Stream(EventStream),
}

impl From<http::Response<String>> for ClientResponse {
    fn from(response: http::Response<String>) -> Self {
        let (head, text) = response.into_parts();
        Self {
            headers: head.headers,
            ..Self::text(head.status, text)
        }
    }
}

impl ClientResponse {
    pub(crate) fn new(status: StatusCode, body: ClientResponseBody) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body,
        }
    }
    pub(crate) fn message(message: Message) -> Self {
        Self::new(StatusCode::OK, ClientResponseBody::Message(message))
    }
    /// The message with status 200, or an empty 202 for `None`.
    pub(crate) fn of(message: Option<Message>) -> Self {
        message.map_or_else(Self::accepted, Self::message)
    }
    pub(crate) fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED, ClientResponseBody::Empty)
    }
    /// Plain text of the gateway's own.
    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::new(status, ClientResponseBody::Raw(text.into()))
    }

    /// Ends a stream body once `over` is cancelled; any other body is unaffected.
    pub(crate) fn until(mut self, over: &CancellationToken) -> Self {
        if let ClientResponseBody::Stream(stream) = self.body {
            let over = over.clone().cancelled_owned();
            self.body = ClientResponseBody::Stream(Box::pin(stream.take_until(over)));
        }
        self
    }

    /// Ends a stream body at this time.
    pub(crate) fn not_after(mut self, end: SystemTime) -> Self {
        if let ClientResponseBody::Stream(stream) = self.body {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            let end = Box::pin(tokio::time::sleep(left));
            self.body = ClientResponseBody::Stream(Box::pin(stream.take_until(end)));
        }
        self
    }

    /// Waits for the reply. Messages that precede it on a stream go to `aside`.
    pub(crate) async fn settle(self, mut aside: impl FnMut(ServerEvent)) -> Option<Message> {
        match self.body {
            ClientResponseBody::Empty | ClientResponseBody::Raw(_) => None,
            ClientResponseBody::Message(message) => Some(message),
            ClientResponseBody::Stream(mut stream) => {
                while let Some(arrival) = stream.next().await {
                    match arrival.message.as_ref().map(Message::shape) {
                        Some(Shape::Result { .. } | Shape::Error { .. }) => return arrival.message,
                        Some(_) => aside(arrival),
                        None => {}
                    }
                }
                None
            }
        }
    }
}
