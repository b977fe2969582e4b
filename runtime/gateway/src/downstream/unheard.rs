//! A queue of messages for a client that is not listening, bounded in number and in bytes.

use std::sync::Arc;

use sandgate_message::{Account, Message};
use tokio::sync::mpsc;

use sandgate_upstream::ServerEvent;
use sandgate_wire::{Permit, Quota};

/// The most messages of one session; further ones are lost, as they are for a client that never listens.
const MESSAGES: usize = 256;
/// The most bytes of those messages: room for the largest message by default, as counted by [`Message::memory`].
const BYTES: usize = 64 << 20;

/// The sending side of the queue. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Unheard {
    sender: mpsc::Sender<(ServerEvent, Permit)>,
    bytes: Arc<Quota>,
}

/// The receiving side of the queue.
pub(crate) struct Hearing(mpsc::Receiver<(ServerEvent, Permit)>);

impl Unheard {
    pub(crate) fn new() -> (Self, Hearing) {
        let (sender, receiver) = mpsc::channel(MESSAGES);
        let bytes = Quota::new(BYTES);
        (Self { sender, bytes }, Hearing(receiver))
    }

    /// Queues a message.
    ///
    /// # Errors
    ///
    /// Hands the message back if the queue is full.
    pub(crate) fn keep(&self, event: ServerEvent) -> Result<(), Box<ServerEvent>> {
        let size = event.message.as_ref().map_or(0, Message::memory);
        match self.bytes.take(&Account::Local, size) {
            None => Err(Box::new(event)),
            Some(permit) => self
                .sender
                .try_send((event, permit))
                .map_err(|lost| Box::new(lost.into_inner().0)),
        }
    }
}

impl Hearing {
    /// Waits for the oldest message; `None` once no more can come.
    pub(crate) async fn recv(&mut self) -> Option<ServerEvent> {
        Some(self.0.recv().await?.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Json;

    use super::*;

    fn notice(bytes: usize) -> ServerEvent {
        let params = Json::of(&serde_json::json!({ "data": "x".repeat(bytes) })).unwrap();
        ServerEvent::of(Message::notification("notifications/message", &params))
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_and_room_comes_back() {
        let (unheard, mut hearing) = Unheard::new();
        let kept = (0..100).filter(|_| unheard.keep(notice(3_600_000)).is_ok());
        let kept = kept.count();
        assert!((1..10).contains(&kept), "{kept}");
        hearing.recv().await.unwrap();
        assert!(unheard.keep(notice(3_600_000)).is_ok());
    }

    #[tokio::test]
    async fn and_in_number() {
        let (unheard, _hearing) = Unheard::new();
        let kept = (0..1000).filter(|_| unheard.keep(notice(1)).is_ok());
        assert_eq!(kept.count(), MESSAGES);
    }
}
