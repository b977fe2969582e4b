//! The queues of messages between a child and its readers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sandgate_message::Message;
use tokio::sync::mpsc;

use crate::ServerError;
use sandgate_wire::Budget;

/// The most messages that wait for one reader.
const QUEUE: usize = 32;

/// Why a queue ended before its reply: an error, or `None` for an end without failure.
pub(crate) type EndCause = Arc<OnceLock<Option<ServerError>>>;

/// A reader of messages that belong to no request.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) end_cause: EndCause,
    pub(crate) patience: Duration,
    pub(crate) budget: Budget,
}

/// The messages for one request, or for a listener.
#[derive(Debug)]
pub(crate) struct Queue {
    receiver: mpsc::Receiver<Message>,
    end_cause: EndCause,
}

impl Queue {
    /// Creates a queue. Also returns its sender, and the cell for the cause of its end.
    pub(crate) fn new() -> (Self, mpsc::Sender<Message>, EndCause) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let end_cause = EndCause::default();
        (
            Self {
                receiver,
                end_cause: end_cause.clone(),
            },
            sender,
            end_cause,
        )
    }

    /// The next message; `None` once the queue ended without failure.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, ServerError>> {
        match self.receiver.recv().await {
            Some(message) => Some(Ok(message)),
            None => self.end_cause.get().cloned().flatten().map(Err),
        }
    }
}
