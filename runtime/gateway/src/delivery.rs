//! What goes back to a client, whatever the transport.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};
use tokio_util::sync::CancellationToken;

use crate::upstream::Arrival;

/// Events on their way to a client; each has passed the pipeline.
pub(crate) type Flow = Pin<Box<dyn Stream<Item = Arrival> + Send>>;

/// An answer on its way to a client. Status and headers are HTTP's; stdio has no use for them.
pub(crate) struct Delivery {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Empty,
    /// No JSON-RPC: as the server gave it, with its own `Content-Type` among the headers, or plain text of the gateway's.
    Raw(Bytes),
    Message(Message),
    Stream(Flow),
}

impl Delivery {
    pub(crate) fn new(status: StatusCode, content: Content) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content,
        }
    }
    pub(crate) fn message(message: Message) -> Self {
        Self::new(StatusCode::OK, Content::Message(message))
    }
    pub(crate) fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED, Content::Empty)
    }
    /// Plain text of the gateway's own.
    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::new(status, Content::Raw(text.into()))
    }

    /// Ends the stream, if it is one, when this is cancelled.
    pub(crate) fn until(mut self, over: &CancellationToken) -> Self {
        if let Content::Stream(flow) = self.content {
            let over = over.clone().cancelled_owned();
            self.content = Content::Stream(Box::pin(flow.take_until(over)));
        }
        self
    }

    /// The reply alone; what comes before it on a stream goes to `aside`.
    pub(crate) async fn settle(self, mut aside: impl FnMut(Arrival)) -> Option<Message> {
        match self.content {
            Content::Empty | Content::Raw(_) => None,
            Content::Message(message) => Some(message),
            Content::Stream(mut flow) => {
                while let Some(arrival) = flow.next().await {
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
