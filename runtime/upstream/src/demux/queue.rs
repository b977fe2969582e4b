//! The queues on which messages of a child wait for their readers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sandgate_message::Message;
use tokio::sync::mpsc;

use crate::Budget;
use crate::ServerError;

/// Messages that wait for one reader.
const QUEUE: usize = 32;

/// Why a queue ended before its reply: an error, or none for an end that is no failure.
pub(crate) type EndCause = Arc<OnceLock<Option<ServerError>>>;

/// Who hears what belongs to no request.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) end_cause: EndCause,
    pub(crate) patience: Duration,
    pub(crate) budget: Budget,
}

/// Messages for one request, or for who listens.
#[derive(Debug)]
pub(crate) struct Queue {
    receiver: mpsc::Receiver<Message>,
    end_cause: EndCause,
}

impl Queue {
    /// A queue, the end that fills it, and why it ends.
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

    /// The next one; none where it ended without failure.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, ServerError>> {
        match self.receiver.recv().await {
            Some(message) => Some(Ok(message)),
            None => self.end_cause.get().cloned().flatten().map(Err),
        }
    }
}
