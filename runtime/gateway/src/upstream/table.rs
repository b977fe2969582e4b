//! What is under way with one child, and the queues on which its messages wait for their readers.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sandgate_message::{Id, Json, Message};
use tokio::sync::mpsc;

use super::ServerError;
use super::key::Key;
use super::members::Members;
use crate::admission::Budget;

/// Messages that wait for one reader.
const QUEUE: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) waiting: HashMap<Key, Waiting>,
    /// From a progress token on the wire to the request's id there.
    pub(super) tokens: HashMap<Key, Key>,
    /// From a conversation and the client's id to the id on the wire; shared children only.
    pub(super) own: HashMap<(u64, Key), Key>,
    pub(super) listener: Option<Listener>,
    /// The legacy sessions that share it.
    pub(super) members: Members,
    /// How many of those that wait are subscriptions.
    pub(super) lasting: usize,
    pub(super) last: u64,
    pub(super) over: Option<ServerError>,
}

/// Why a queue ended before its reply: an error, or none for an end that is no failure.
pub(super) type Fate = Arc<OnceLock<Option<ServerError>>>;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) fate: Fate,
    pub(super) age: u64,
    pub(super) conversation: u64,
    pub(super) id: Id,
    pub(super) token: Option<Json>,
    pub(super) wire_token: Option<Key>,
    pub(super) wants_log: bool,
    /// A subscription: under way for as long as its client likes.
    pub(super) lasts: bool,
    pub(super) patience: Duration,
    pub(super) budget: Budget,
}

/// Who hears what belongs to no request.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) fate: Fate,
    pub(super) patience: Duration,
    pub(super) budget: Budget,
}

/// Messages for one request, or for who listens.
#[derive(Debug)]
pub(super) struct Queue {
    receiver: mpsc::Receiver<Message>,
    fate: Fate,
}

impl Queue {
    /// A queue, the end that fills it, and why it ends.
    pub(super) fn new() -> (Self, mpsc::Sender<Message>, Fate) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let fate = Fate::default();
        (
            Self {
                receiver,
                fate: fate.clone(),
            },
            sender,
            fate,
        )
    }

    /// The next one; none where it ended without failure.
    pub(super) async fn next(&mut self) -> Option<Result<Message, ServerError>> {
        match self.receiver.recv().await {
            Some(message) => Some(Ok(message)),
            None => self.fate.get().cloned().flatten().map(Err),
        }
    }
}

/// For whom a message is.
pub(super) enum Reader {
    /// A request under way.
    Request(Key),
    /// A request that is over with it.
    Last,
    /// Who listens in this conversation.
    Listener(u64),
}

pub(super) struct Parcel {
    pub(super) reader: Reader,
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) fate: Fate,
    pub(super) message: Message,
    pub(super) patience: Duration,
    pub(super) budget: Budget,
}

impl Waiting {
    pub(super) fn parcel(&self, key: Option<Key>, message: Message) -> Parcel {
        Parcel {
            reader: key.map_or(Reader::Last, Reader::Request),
            sender: self.sender.clone(),
            fate: self.fate.clone(),
            message,
            patience: self.patience,
            budget: self.budget.clone(),
        }
    }
}

impl Table {
    pub(super) fn remove(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
        self.lasting -= usize::from(waiting.lasts);
        if let Some(token) = &waiting.wire_token
            && self.tokens.get(token) == Some(key)
        {
            self.tokens.remove(token);
        }
        if !self.own.is_empty() {
            let own = (waiting.conversation, Key::of_id(&waiting.id));
            if self.own.get(&own) == Some(key) {
                self.own.remove(&own);
            }
        }
        Some(waiting)
    }

    /// Who listens in a conversation; none where it has ended.
    pub(super) fn listener(&mut self, conversation: u64) -> Option<&mut Option<Listener>> {
        match conversation {
            0 => Some(&mut self.listener),
            session => self.members.listener(session),
        }
    }

    /// A message that no request of a conversation asked for: for who listens there, or else the oldest request. The
    /// message where there is neither.
    #[allow(
        clippy::result_large_err,
        reason = "either way the message goes on, and a box would cost an allocation"
    )]
    pub(super) fn unasked(
        &mut self,
        conversation: u64,
        message: Message,
    ) -> Result<Parcel, Message> {
        if let Some(listener) = self.listener(conversation) {
            listener.take_if(|listener| listener.sender.is_closed());
            if let Some(listener) = listener {
                return Ok(Parcel {
                    reader: Reader::Listener(conversation),
                    sender: listener.sender.clone(),
                    fate: listener.fate.clone(),
                    message,
                    patience: listener.patience,
                    budget: listener.budget.clone(),
                });
            }
        }
        let waiting = self.waiting.iter();
        let own = waiting.filter(|(_, waiting)| waiting.conversation == conversation);
        match own.min_by_key(|(_, waiting)| waiting.age) {
            Some((key, waiting)) => Ok(waiting.parcel(Some(key.clone()), message)),
            None => Err(message),
        }
    }

    /// So much patience is left with a reader.
    pub(super) fn spend(&mut self, reader: &Reader, left: Duration) {
        let patience = match reader {
            Reader::Request(key) => self.waiting.get_mut(key).map(|one| &mut one.patience),
            Reader::Listener(conversation) => self
                .listener(*conversation)
                .and_then(|listener| Some(&mut listener.as_mut()?.patience)),
            Reader::Last => None,
        };
        if let Some(patience) = patience {
            *patience = left;
        }
    }

    /// The one request that waits for a reply; subscriptions do not.
    pub(super) fn only(&self) -> Option<&Key> {
        let mut waiting = self.waiting.iter().filter(|(_, waiting)| !waiting.lasts);
        let (key, _) = waiting.next()?;
        waiting.next().is_none().then_some(key)
    }
}
