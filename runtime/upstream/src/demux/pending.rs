//! The table of requests in flight with one child, and the routing of messages to readers.

use std::collections::HashMap;
use std::time::Duration;

use sandgate_message::{Id, Json, Message};
use tokio::sync::mpsc;

use crate::ServerError;
use crate::demux::key::Key;
use crate::demux::members::Members;
use crate::demux::queue::{EndCause, Listener};
use sandgate_wire::Budget;

/// The requests, sessions and listener of one child.
#[derive(Debug, Default)]
pub(crate) struct PendingTable {
    pub(crate) waiting: HashMap<Key, Waiting>,
    /// The request ids on the wire, by progress token on the wire.
    pub(crate) tokens: HashMap<Key, Key>,
    /// The ids on the wire, by conversation and client's id; for shared children only.
    pub(crate) own: HashMap<(u64, Key), Key>,
    pub(crate) listener: Option<Listener>,
    /// The legacy sessions that share the child.
    pub(crate) members: Members,
    /// The number of waiting requests that are subscriptions.
    pub(crate) lasting: usize,
    pub(crate) last: u64,
    pub(crate) over: Option<ServerError>,
}

/// A request in flight that waits for messages.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) end_cause: EndCause,
    pub(crate) age: u64,
    pub(crate) conversation: u64,
    pub(crate) id: Id,
    pub(crate) token: Option<Json>,
    pub(crate) wire_token: Option<Key>,
    pub(crate) wants_log: bool,
    /// Whether the request is a subscription, which lasts as long as its client likes.
    pub(crate) lasts: bool,
    pub(crate) patience: Duration,
    pub(crate) budget: Budget,
}

/// The reader of a message.
pub(crate) enum Reader {
    /// A request in flight.
    Request(Key),
    /// A request that ends with this message.
    Last,
    /// The listener of this conversation.
    Listener(u64),
}

/// A message with the queue of its reader.
pub(crate) struct RoutedMessage {
    pub(crate) reader: Reader,
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) end_cause: EndCause,
    pub(crate) message: Message,
    pub(crate) patience: Duration,
    pub(crate) budget: Budget,
}

impl Waiting {
    pub(crate) fn routed(&self, key: Option<Key>, message: Message) -> RoutedMessage {
        RoutedMessage {
            reader: key.map_or(Reader::Last, Reader::Request),
            sender: self.sender.clone(),
            end_cause: self.end_cause.clone(),
            message,
            patience: self.patience,
            budget: self.budget.clone(),
        }
    }
}

impl PendingTable {
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Waiting> {
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

    /// The place of a conversation's listener; `None` if the conversation has ended.
    pub(crate) fn listener(&mut self, conversation: u64) -> Option<&mut Option<Listener>> {
        match conversation {
            0 => Some(&mut self.listener),
            session => self.members.listener(session),
        }
    }

    /// Routes a message that belongs to no request: to the conversation's listener, or else to its oldest request.
    /// Returns the message if there is neither.
    #[allow(
        clippy::result_large_err,
        reason = "either way the message goes on, and a box would cost an allocation"
    )]
    pub(crate) fn unasked(
        &mut self,
        conversation: u64,
        message: Message,
    ) -> Result<RoutedMessage, Message> {
        if let Some(listener) = self.listener(conversation) {
            listener.take_if(|listener| listener.sender.is_closed());
            if let Some(listener) = listener {
                return Ok(RoutedMessage {
                    reader: Reader::Listener(conversation),
                    sender: listener.sender.clone(),
                    end_cause: listener.end_cause.clone(),
                    message,
                    patience: listener.patience,
                    budget: listener.budget.clone(),
                });
            }
        }
        let waiting = self.waiting.iter();
        let own = waiting.filter(|(_, waiting)| waiting.conversation == conversation);
        match own.min_by_key(|(_, waiting)| waiting.age) {
            Some((key, waiting)) => Ok(waiting.routed(Some(key.clone()), message)),
            None => Err(message),
        }
    }

    /// Sets the patience that is left for a reader.
    pub(crate) fn spend(&mut self, reader: &Reader, left: Duration) {
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

    /// The only request that waits for a reply, not counting subscriptions; `None` if there are several or none.
    pub(crate) fn only(&self) -> Option<&Key> {
        let mut waiting = self.waiting.iter().filter(|(_, waiting)| !waiting.lasts);
        let (key, _) = waiting.next()?;
        waiting.next().is_none().then_some(key)
    }
}
