//! What goes back to a client, whatever the transport.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};
use tokio_util::sync::CancellationToken;

use sandgate_upstream::ServerEvent;

/// Events on their way to a client; each has passed the pipeline.
pub(crate) type EventStream = Pin<Box<dyn Stream<Item = ServerEvent> + Send>>;

/// An answer on its way to a client. Status and headers are HTTP's; stdio has no use for them.
pub(crate) struct ClientResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ClientResponseBody,
}

pub(crate) enum ClientResponseBody {
    Empty,
    /// No JSON-RPC: as the server gave it, with its own `ClientResponseBody-Type` among the headers, or plain text of the gateway's.
    Raw(Bytes),
    Message(Message),
    Stream(EventStream),
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
    /// The message, or an empty 202 where there is none.
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

    /// Ends the stream, if it is one, when this is cancelled.
    pub(crate) fn until(mut self, over: &CancellationToken) -> Self {
        if let ClientResponseBody::Stream(stream) = self.body {
            let over = over.clone().cancelled_owned();
            self.body = ClientResponseBody::Stream(Box::pin(stream.take_until(over)));
        }
        self
    }

    /// The reply alone; what comes before it on a stream goes to `aside`.
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
