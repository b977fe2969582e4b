//! The demultiplexer of a child's messages: which reader gets which message.
//!
//! A child of one legacy conversation has one client. Ids stay as they are, progress goes to the request with its
//! token, and any other message goes to the listener, else to the oldest request in flight, else nowhere.
//!
//! A child that modern conversations share sees ids and progress tokens of the gateway's own, so that those of two
//! callers never clash; messages that come back get the caller's again. A message that names no request in flight is
//! dropped, since it might be another caller's. Log messages name no request, so one is delivered only while a single
//! request asks for log messages.
//!
//! For a child that legacy sessions share, the same holds for messages that belong to a request; [`attribution`]
//! decides about the others.

pub(crate) mod attribution;
pub(crate) mod deliver;
pub(crate) mod key;
pub(crate) mod members;
pub(crate) mod pending;
pub(crate) mod queue;
pub(crate) mod shown_ids;
pub(crate) mod splice;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use sandgate_message::{Id, Json, Limits, Message, Shape};
use tokio::sync::mpsc;

use crate::demux::key::Key;
use crate::demux::members::MemberState;
use crate::demux::pending::{PendingTable, Waiting};
use crate::demux::queue::{Listener, Queue};
use crate::demux::splice::splice;
use crate::facts::ServerFacts;
use crate::share::Owner;
use crate::{Definitions, ServerError};
use sandgate_wire::Budget;

/// The most requests in flight with one child.
const MOST_REQUESTS: usize = 1024;
/// The most subscriptions open at one child, in addition to those requests.
const MOST_SUBSCRIPTIONS: usize = 4096;
/// How long a request's reader may delay a shared child, in total.
const SHARED_PATIENCE: Duration = Duration::from_secs(1);

const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The users of a child.
#[derive(Clone, Debug)]
pub(crate) enum ChildUsers {
    /// One conversation, which has these definitions.
    One(Arc<Definitions>),
    /// All modern conversations.
    Modern,
    /// The legacy sessions that joined the child.
    Sessions,
}

/// The routes of one child's messages.
#[derive(Debug)]
pub(crate) struct Demux {
    pub(crate) server: Arc<str>,
    pub(crate) known: Arc<ServerFacts>,
    pub(crate) limits: Limits,
    /// How long a full queue may delay the child at a time.
    pub(crate) patience: Duration,
    pub(crate) shared: bool,
    pub(crate) users: ChildUsers,
    /// Lines that are written before others. They are few and small: at most one per request.
    pub(crate) urgent: mpsc::Sender<Bytes>,
    pub(crate) table: Mutex<PendingTable>,
}

/// A request in flight. Dropping the ticket before the reply came cancels the request at the server.
#[derive(Debug)]
pub(crate) struct Ticket {
    demux: Arc<Demux>,
    key: Key,
    /// Whether the server has the request and may be sent a cancellation.
    cancellable: bool,
}

impl Ticket {
    /// Notes that the request was handed to the child.
    pub(crate) fn sent(&mut self, method: &str) {
        // The protocol forbids cancelling `initialize`.
        self.cancellable = method != "initialize";
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Only a ticket whose request still waits cancels it.
        if self.demux.table.lock().remove(&self.key).is_some() && self.cancellable {
            self.demux.cancel(&self.key);
        }
    }
}

impl Demux {
    pub(crate) fn new(
        server: Arc<str>,
        known: Arc<ServerFacts>,
        limits: Limits,
        patience: Duration,
        users: ChildUsers,
        urgent: mpsc::Sender<Bytes>,
    ) -> Arc<Self> {
        Arc::new(Self {
            server,
            known,
            limits,
            patience,
            shared: !matches!(users, ChildUsers::One(_)),
            users,
            urgent,
            table: Mutex::default(),
        })
    }

    /// Registers a request. Returns it as the child is to see it.
    ///
    /// # Errors
    ///
    /// The child has ended, the id is in use, or too many requests are in flight.
    pub(crate) fn enter(
        self: &Arc<Self>,
        conversation: u64,
        message: &Message,
        budget: &Budget,
    ) -> Result<(Message, Ticket, Queue), ServerError> {
        let Shape::Request { id, method } = message.shape() else {
            return Err(ServerError::Garbage {
                server: self.server.clone(),
                why: "not a request".into(),
            });
        };
        let meta = message.payload().root().get("_meta");
        let token = meta
            .and_then(|meta| meta.get("progressToken"))
            .map(|node| node.to_json());
        let lasts = self.shared && &**method == "subscriptions/listen";
        let wants_log = self.shared && meta.is_some_and(|meta| meta.get(LOG_LEVEL).is_some());

        let mut table = self.table.lock();
        if let Some(error) = &table.over {
            return Err(error.clone());
        }
        if !self.knows(&table, conversation) {
            return Err(self.closed());
        }
        let (open, limit) = match lasts {
            true => (table.lasting, MOST_SUBSCRIPTIONS),
            false => (table.waiting.len() - table.lasting, MOST_REQUESTS),
        };
        if open >= limit {
            let server = self.server.clone();
            return Err(ServerError::Busy { server, limit });
        }
        table.last += 1;
        let age = table.last;
        let (key, wire_token) = if self.shared {
            (
                Key::Number(age),
                token.is_some().then_some(Key::Number(age)),
            )
        } else {
            (
                Key::of_id(id),
                token.as_ref().and_then(|token| Key::of_node(token.root())),
            )
        };
        if table.waiting.contains_key(&key) {
            return Err(ServerError::IdInUse {
                server: self.server.clone(),
            });
        }
        if let Some(token) = &wire_token {
            table.tokens.insert(token.clone(), key.clone());
        }
        if self.shared {
            table
                .own
                .insert((conversation, Key::of_id(id)), key.clone());
        }
        let (queue, sender, end_cause) = Queue::new();
        let patience = self.patience();
        let id = id.clone();
        let waiting = Waiting {
            sender,
            end_cause,
            age,
            conversation,
            id,
            token,
            wire_token,
            wants_log,
            lasts,
            patience,
            budget: budget.clone(),
        };
        table.lasting += usize::from(lasts);
        let spliced = waiting.token.is_some();
        table.waiting.insert(key.clone(), waiting);
        drop(table);

        let ticket = Ticket {
            demux: self.clone(),
            key,
            cancellable: false,
        };
        if !self.shared {
            return Ok((message.clone(), ticket, queue));
        }
        let mut wire = message.with_id(&Id::number(age));
        if spliced {
            wire = self.splice(&wire, "/_meta/progressToken", age.to_string());
        }
        Ok((wire, ticket, queue))
    }

    /// A notification or reply of the client as the child is to see it; `None` if it concerns nothing in flight.
    pub(crate) fn outgoing(
        self: &Arc<Self>,
        conversation: u64,
        message: &Message,
    ) -> Option<Message> {
        if matches!(self.users, ChildUsers::Sessions)
            && !self.table.lock().members.may_say(conversation, message)
        {
            return None;
        }
        if message.method() != Some("notifications/cancelled") {
            return Some(message.clone());
        }
        let requested = message
            .payload()
            .root()
            .get("requestId")
            .and_then(Key::of_node);
        let Some(requested) = requested else {
            return (!self.shared).then(|| message.clone());
        };
        let key = match self.shared {
            true => self
                .table
                .lock()
                .own
                .get(&(conversation, requested))?
                .clone(),
            false => requested,
        };
        let wire = match &key {
            Key::Number(number) if self.shared => {
                self.splice(message, "/requestId", number.to_string())
            }
            _ => message.clone(),
        };
        // The server need not answer a cancelled request, but a reply may be in flight.
        let demux = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            demux.fail(
                &key,
                ServerError::Cancelled {
                    server: demux.server.clone(),
                },
            );
        });
        Some(wire)
    }

    /// Listens to messages that belong to no request. Replaces the conversation's earlier listener.
    ///
    /// # Errors
    ///
    /// The child or the session has ended.
    pub(crate) fn listen(&self, conversation: u64, budget: &Budget) -> Result<Queue, ServerError> {
        let (queue, sender, end_cause) = Queue::new();
        let mut table = self.table.lock();
        if let Some(error) = &table.over {
            return Err(error.clone());
        }
        let listener = Listener {
            sender,
            end_cause,
            patience: self.patience(),
            budget: budget.clone(),
        };
        let before = match table.listener(conversation) {
            Some(place) => place.replace(listener),
            None => return Err(self.closed()),
        };
        if let Some(before) = before {
            let _ = before.end_cause.set(None);
        }
        Ok(queue)
    }

    /// Adds a legacy session to a child that sessions share.
    pub(crate) fn join(&self, session: u64, owner: &Owner, definitions: Arc<Definitions>) {
        let mut table = self.table.lock();
        table.members.join(session, owner, definitions);
    }

    /// The number of sessions that share the child.
    pub(crate) fn sessions(&self) -> usize {
        self.table.lock().members.count()
    }

    /// Handles a session's request for an effect that outlives it.
    ///
    /// # Errors
    ///
    /// The session has too many subscriptions, or there is no memory for another.
    pub(crate) fn stand(
        &self,
        session: u64,
        message: &Message,
        budget: &Budget,
    ) -> Result<MemberState, ServerError> {
        let members = &mut self.table.lock().members;
        members.stand(session, message, budget, &self.limits, &self.server)
    }

    /// Whether the conversation uses the child. The gateway itself does, as number 0.
    fn knows(&self, table: &PendingTable, conversation: u64) -> bool {
        let joined = || conversation == 0 || table.members.has(conversation);
        !matches!(self.users, ChildUsers::Sessions) || joined()
    }

    /// How long a request's reader, or a listener, may delay the child in total.
    fn patience(&self) -> Duration {
        match self.shared {
            true => SHARED_PATIENCE,
            false => self.patience,
        }
    }

    pub(crate) fn closed(&self) -> ServerError {
        ServerError::Closed {
            server: self.server.clone(),
        }
    }

    /// Fails the request whose reply was a broken line. `id` is the line's id, where it is readable.
    pub(crate) fn garbage(&self, id: Option<&Key>, error: ServerError) {
        let mut table = self.table.lock();
        let key = id.or_else(|| table.only()).cloned();
        if let Some(waiting) = key.and_then(|key| table.remove(&key)) {
            let _ = waiting.end_cause.set(Some(error));
        }
    }

    /// Why nothing can be sent to the child any more; `None` while it runs.
    pub(crate) fn over(&self) -> Option<ServerError> {
        self.table.lock().over.clone()
    }

    /// Ends all requests and listeners of a child that is gone. `error` is the reason, `None` for an intended end;
    /// `later` is the error for later requests.
    pub(crate) fn end(&self, error: Option<ServerError>, later: ServerError) {
        let mut table = self.table.lock();
        let closed = error.clone().unwrap_or_else(|| self.closed());
        for waiting in std::mem::take(&mut table.waiting).into_values() {
            let _ = waiting.end_cause.set(Some(closed.clone()));
        }
        table.lasting = 0;
        let listeners = table.members.take_listeners();
        for listener in table.listener.take().into_iter().chain(listeners) {
            let _ = listener.end_cause.set(error.clone());
        }
        table.tokens.clear();
        table.own.clear();
        table.over = Some(later);
    }

    /// Fails every request in flight; listeners and the child go on.
    pub(crate) fn fail_all(&self, error: &ServerError) {
        let mut table = self.table.lock();
        let keys: Vec<Key> = table.waiting.keys().cloned().collect();
        for waiting in keys.iter().filter_map(|key| table.remove(key)) {
            let _ = waiting.end_cause.set(Some(error.clone()));
        }
    }

    fn fail(&self, key: &Key, error: ServerError) {
        if let Some(waiting) = self.table.lock().remove(key) {
            let _ = waiting.end_cause.set(Some(error));
        }
    }

    pub(crate) fn cancel(&self, key: &Key) {
        let id = key.as_json();
        let params = format!(r#"{{"requestId":{id},"reason":"nobody waits for it any more"}}"#);
        if let Ok(params) = Json::parse(params, &Limits::default()) {
            // If the queue is closed, the child is gone with its requests; if it is full, the child does not read.
            let _ = self
                .urgent
                .try_send(Message::notification("notifications/cancelled", &params).line());
        }
    }

    pub(crate) fn splice(
        &self,
        message: &Message,
        pointer: &str,
        value: impl Into<String>,
    ) -> Message {
        splice(message, pointer, value.into(), &self.limits)
    }
}
