//! Who gets which of a child's messages.
//!
//! A child of one legacy conversation speaks to one client: ids pass as they are; progress goes to the request whose
//! token it bears; all else goes to whoever listens, or else to the oldest request under way, or else nowhere.
//!
//! A child that modern conversations share sees ids and progress tokens of the gateway's own making, so that no two
//! callers' clash; everything that comes back bears the caller's again. What names no request under way goes nowhere: it
//! might be another caller's. A log message names none by nature, so it is passed only while one single request asks for
//! log messages.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use sandgate_message::{Edit, Id, Json, Limits, Message, Shape, apply, error_codes};
use tokio::sync::mpsc;

use super::ServerError;
use super::key::Key;
use super::server::Known;

/// Requests under way with one child.
const MOST_REQUESTS: usize = 1024;
/// Messages that wait for one reader.
const QUEUE: usize = 32;
/// How long, all in all, a request's reader may hold up a child that others share.
const SHARED_PATIENCE: Duration = Duration::from_secs(1);

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The routes of one child.
#[derive(Debug)]
pub(super) struct Routes {
    server: Arc<str>,
    known: Arc<Known>,
    limits: Limits,
    /// How long a full queue may hold the child up at a time.
    patience: Duration,
    shared: bool,
    /// Lines that go out as soon as may be: few and small, at most one a request.
    urgent: mpsc::UnboundedSender<Bytes>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    waiting: HashMap<Key, Waiting>,
    /// From a progress token on the wire to the request's id there.
    tokens: HashMap<Key, Key>,
    /// From a conversation and the client's id to the id on the wire; shared children only.
    own: HashMap<(u64, Key), Key>,
    listener: Option<(mpsc::Sender<Message>, Fate)>,
    last: u64,
    over: Option<ServerError>,
}

/// Why a queue ended before its reply: an error, or none for an end that is no failure.
type Fate = Arc<OnceLock<Option<ServerError>>>;

#[derive(Debug)]
struct Waiting {
    sender: mpsc::Sender<Message>,
    fate: Fate,
    age: u64,
    conversation: u64,
    id: Id,
    token: Option<Json>,
    wire_token: Option<Key>,
    wants_log: bool,
    patience: Duration,
}

/// Messages for one request, or for who listens.
#[derive(Debug)]
pub(super) struct Queue {
    receiver: mpsc::Receiver<Message>,
    fate: Fate,
}

impl Queue {
    /// The next one; none where it ended without failure.
    pub(super) async fn next(&mut self) -> Option<Result<Message, ServerError>> {
        match self.receiver.recv().await {
            Some(message) => Some(Ok(message)),
            None => self.fate.get().cloned().flatten().map(Err),
        }
    }
}

/// A request under way. Dropping it before the reply came tells the server.
#[derive(Debug)]
pub(super) struct Ticket {
    routes: Arc<Routes>,
    key: Key,
    /// The server has it and may be told that nobody waits any more.
    cancellable: bool,
}

impl Ticket {
    /// It was handed to the child.
    pub(super) fn sent(&mut self, method: &str) {
        // The one request that must not be cancelled.
        self.cancellable = method != "initialize";
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Only who finds the request still waiting ends it.
        if self.routes.table.lock().remove(&self.key).is_some() && self.cancellable {
            self.routes.cancel(&self.key);
        }
    }
}

impl Routes {
    pub(super) fn new(
        server: Arc<str>,
        known: Arc<Known>,
        limits: Limits,
        patience: Duration,
        shared: bool,
        urgent: mpsc::UnboundedSender<Bytes>,
    ) -> Arc<Self> {
        Arc::new(Self {
            server,
            known,
            limits,
            patience,
            shared,
            urgent,
            table: Mutex::default(),
        })
    }

    /// Enters a request; returns it as the child is to see it.
    pub(super) fn enter(
        self: &Arc<Self>,
        conversation: u64,
        message: &Message,
    ) -> Result<(Message, Ticket, Queue), ServerError> {
        let Shape::Request { id, .. } = message.shape() else {
            return Err(ServerError::Garbage {
                server: self.server.clone(),
                why: "not a request".into(),
            });
        };
        let meta = message.payload().root().get("_meta");
        let token = meta
            .and_then(|meta| meta.get("progressToken"))
            .map(|node| node.to_json());
        let wants_log = self.shared && meta.is_some_and(|meta| meta.get(LOG_LEVEL).is_some());

        let mut table = self.table.lock();
        if let Some(error) = &table.over {
            return Err(error.clone());
        }
        if table.waiting.len() >= MOST_REQUESTS {
            return Err(ServerError::Busy {
                server: self.server.clone(),
                limit: MOST_REQUESTS,
            });
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
        let (sender, receiver) = mpsc::channel(QUEUE);
        let fate = Fate::default();
        let patience = if self.shared {
            SHARED_PATIENCE
        } else {
            self.patience
        };
        let (id, fates) = (id.clone(), fate.clone());
        let waiting = Waiting {
            sender,
            fate: fates,
            age,
            conversation,
            id,
            token,
            wire_token,
            wants_log,
            patience,
        };
        let spliced = waiting.token.is_some();
        table.waiting.insert(key.clone(), waiting);
        drop(table);

        let ticket = Ticket {
            routes: self.clone(),
            key,
            cancellable: false,
        };
        let queue = Queue { receiver, fate };
        if !self.shared {
            return Ok((message.clone(), ticket, queue));
        }
        let mut wire = message.with_id(&Id::number(age));
        if spliced {
            wire = self.splice(&wire, "/_meta/progressToken", age.to_string());
        }
        Ok((wire, ticket, queue))
    }

    /// A notification or reply of the client's, as the child is to see it; none where it concerns nothing under way.
    pub(super) fn outgoing(
        self: &Arc<Self>,
        conversation: u64,
        message: &Message,
    ) -> Option<Message> {
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
        // A server need not answer what was cancelled, but a reply may be on its way.
        let routes = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            routes.fail(
                &key,
                ServerError::Cancelled {
                    server: routes.server.clone(),
                },
            );
        });
        Some(wire)
    }

    /// What belongs to no request. Whoever listened before hears no more.
    pub(super) fn listen(&self) -> Result<Queue, ServerError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let fate = Fate::default();
        let mut table = self.table.lock();
        if let Some(error) = &table.over {
            return Err(error.clone());
        }
        if let Some((_, fate)) = table.listener.replace((sender, fate.clone())) {
            let _ = fate.set(None);
        }
        Ok(Queue { receiver, fate })
    }

    /// A message of the child's. Waits, within bounds, for a reader that is behind.
    pub(super) async fn arrive(&self, message: Message) {
        if let Shape::Notification { method } = message.shape() {
            self.known.definitions.changed(method);
        }
        let Some(mut parcel) = self.route(message) else {
            return;
        };
        let Err(full) = parcel.sender.try_send(parcel.message) else {
            return;
        };
        let message = match full {
            mpsc::error::TrySendError::Full(message) => message,
            mpsc::error::TrySendError::Closed(message) => {
                return self.undeliverable(&message, "nobody reads it");
            }
        };
        let began = tokio::time::Instant::now();
        let sent = tokio::time::timeout(parcel.patience, parcel.sender.send(message)).await;
        let held = began.elapsed();
        if sent.is_ok() {
            parcel.patience = parcel.patience.saturating_sub(held);
            if let (true, Some(key)) = (self.shared, &parcel.key)
                && let Some(waiting) = self.table.lock().waiting.get_mut(key)
            {
                waiting.patience = parcel.patience;
            }
            return;
        }
        let unread = ServerError::Unread {
            server: self.server.clone(),
            after: parcel.patience,
        };
        tracing::warn!(server = %self.server, "{unread}");
        let _ = parcel.fate.set(Some(unread));
        match &parcel.key {
            Some(key) => {
                if self.table.lock().remove(key).is_some() {
                    self.cancel(key);
                }
            }
            None => self.table.lock().listener = None,
        }
    }

    /// A line that is no message. `id` is its id, where one can be made out. Fails the request it must be the reply to.
    pub(super) fn garbage(&self, id: Option<&Key>, error: ServerError) {
        let mut table = self.table.lock();
        let key = match id {
            Some(key) if table.waiting.contains_key(key) => Some(key.clone()),
            _ => table.only().cloned(),
        };
        if let Some(waiting) = key.and_then(|key| table.remove(&key)) {
            let _ = waiting.fate.set(Some(error));
        }
    }

    /// The child is gone: everybody is told why. None: it was meant to go.
    pub(super) fn end(&self, error: Option<ServerError>, later: ServerError) {
        let mut table = self.table.lock();
        let closed = error.clone().unwrap_or_else(|| ServerError::Closed {
            server: self.server.clone(),
        });
        for waiting in std::mem::take(&mut table.waiting).into_values() {
            let _ = waiting.fate.set(Some(closed.clone()));
        }
        if let Some((_, fate)) = table.listener.take() {
            let _ = fate.set(error);
        }
        table.tokens.clear();
        table.own.clear();
        table.over = Some(later);
    }

    /// Fails every request under way, and leaves the rest as it is.
    pub(super) fn fail_all(&self, error: &ServerError) {
        let mut table = self.table.lock();
        let keys: Vec<Key> = table.waiting.keys().cloned().collect();
        for waiting in keys.iter().filter_map(|key| table.remove(key)) {
            let _ = waiting.fate.set(Some(error.clone()));
        }
    }

    fn fail(&self, key: &Key, error: ServerError) {
        if let Some(waiting) = self.table.lock().remove(key) {
            let _ = waiting.fate.set(Some(error));
        }
    }

    fn route(&self, message: Message) -> Option<Parcel> {
        match message.shape() {
            Shape::Result { id } | Shape::Error { id: Some(id) } => {
                let Some(waiting) = self.table.lock().remove(&Key::of_id(id)) else {
                    self.undeliverable(&message, "its request is not under way");
                    return None;
                };
                let same = id == &waiting.id;
                let mut message = if same {
                    message
                } else {
                    message.with_id(&waiting.id)
                };
                if self.shared && meta(&message, SUBSCRIPTION).is_some() {
                    message = self.splice(&message, SUBSCRIPTION_POINTER, waiting.id.as_str());
                }
                Some(waiting.parcel(None, message))
            }
            Shape::Error { id: None } => {
                let mut table = self.table.lock();
                let Some(waiting) = table.only().cloned().and_then(|key| table.remove(&key)) else {
                    drop(table);
                    self.undeliverable(&message, "it is an error without an id");
                    return None;
                };
                let message = under_id(&message, &waiting.id, &self.limits)?;
                Some(waiting.parcel(None, message))
            }
            Shape::Request { id, .. } if self.shared => {
                let why = "a server of the modern era may not ask clients";
                let refusal = Message::error(Some(id), error_codes::METHOD_NOT_FOUND, why, None);
                let _ = self.urgent.send(refusal.line());
                None
            }
            Shape::Request { id, .. } => {
                let id = id.clone();
                let parcel = self.unasked(message);
                if parcel.is_none() {
                    let why = "no client is there to answer";
                    let refusal = Message::error(Some(&id), error_codes::SERVER, why, None);
                    let _ = self.urgent.send(refusal.line());
                }
                parcel
            }
            Shape::Notification { method } => {
                let method = method.clone();
                self.notification(&method, message)
            }
        }
    }

    fn notification(&self, method: &str, message: Message) -> Option<Parcel> {
        let payload = message.payload().clone();
        let root = payload.root();
        let mut table = self.table.lock();
        if method == "notifications/progress" {
            let token = root.get("progressToken").and_then(Key::of_node);
            let key = token.and_then(|token| table.tokens.get(&token)).cloned();
            if let Some((key, waiting)) =
                key.and_then(|key| table.waiting.get(&key).map(|waiting| (key, waiting)))
            {
                let message = match &waiting.token {
                    Some(token) if self.shared => {
                        self.splice(&message, "/progressToken", token.as_str())
                    }
                    _ => message,
                };
                return Some(waiting.parcel(Some(key), message));
            }
        }
        if !self.shared {
            drop(table);
            return self.unasked(message);
        }
        if let Some(key) = meta(&message, SUBSCRIPTION)
            .as_ref()
            .and_then(|id| Key::of_node(id.root()))
            && let Some(waiting) = table.waiting.get(&key)
        {
            let message = self.splice(&message, SUBSCRIPTION_POINTER, waiting.id.as_str());
            return Some(waiting.parcel(Some(key), message));
        }
        if method == "notifications/cancelled"
            && let Some(key) = root.get("requestId").and_then(Key::of_node)
            && let Some(waiting) = table.remove(&key)
        {
            // The server takes a subscription down: nothing more will come, and that is no failure.
            let _ = waiting.fate.set(None);
            let message = self.splice(&message, "/requestId", waiting.id.as_str());
            return Some(waiting.parcel(None, message));
        }
        if method == "notifications/message" {
            let mut wanting = table
                .waiting
                .iter()
                .filter(|(_, waiting)| waiting.wants_log);
            if let (Some((key, waiting)), None) = (wanting.next(), wanting.next()) {
                return Some(waiting.parcel(Some(key.clone()), message));
            }
        }
        drop(table);
        self.undeliverable(&message, "it names no request under way");
        None
    }

    /// For who listens, or else the oldest request.
    fn unasked(&self, message: Message) -> Option<Parcel> {
        let mut table = self.table.lock();
        table.listener.take_if(|(sender, _)| sender.is_closed());
        if let Some((sender, fate)) = &table.listener {
            let (sender, fate) = (sender.clone(), fate.clone());
            return Some(Parcel {
                key: None,
                sender,
                fate,
                message,
                patience: self.patience,
            });
        }
        if let Some((key, waiting)) = table.waiting.iter().min_by_key(|(_, waiting)| waiting.age) {
            return Some(waiting.parcel(Some(key.clone()), message));
        }
        drop(table);
        self.undeliverable(&message, "nobody listens");
        None
    }

    fn undeliverable(&self, message: &Message, why: &str) {
        tracing::debug!(server = %self.server, method = message.method(), "a message was dropped: {why}");
    }

    fn cancel(&self, key: &Key) {
        let id = match key {
            Key::Number(number) => number.to_string(),
            Key::Odd(text) => text.to_string(),
            Key::Text(text) => Json::string(text).as_str().to_owned(),
        };
        let params = format!(r#"{{"requestId":{id},"reason":"nobody waits for it any more"}}"#);
        if let Ok(params) = Json::parse(params, &Limits::default()) {
            // Closed: the child is gone, and the request with it.
            let _ = self
                .urgent
                .send(Message::notification("notifications/cancelled", &params).line());
        }
    }

    fn splice(&self, message: &Message, pointer: &str, value: impl Into<String>) -> Message {
        splice(message, pointer, value.into(), &self.limits)
    }
}

const SUBSCRIPTION_POINTER: &str = "/_meta/io.modelcontextprotocol~1subscriptionId";

fn splice(message: &Message, pointer: &str, value: String, limits: &Limits) -> Message {
    // An id longer than the one it replaces must not put a message over the limit that it was under.
    let limits = Limits {
        bytes: limits.bytes + value.len(),
        depth: limits.depth,
    };
    match apply(
        message.payload(),
        &[Edit::Set(pointer.into(), value)],
        &limits,
    ) {
        Ok(payload) => message.with_payload(payload),
        // Not reached: every place spliced was found in the message before.
        Err(_) => message.clone(),
    }
}

/// An error without an id becomes the reply to the request it must belong to.
pub(super) fn under_id(message: &Message, id: &Id, limits: &Limits) -> Option<Message> {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#,
        id.as_str(),
        message.payload().as_str()
    );
    let limits = Limits {
        bytes: limits.bytes + 64 + id.as_str().len(),
        depth: limits.depth,
    };
    Message::parse(text, &limits).ok()
}

fn meta(message: &Message, name: &str) -> Option<Json> {
    message
        .payload()
        .root()
        .get("_meta")?
        .get(name)
        .map(|node| node.to_json())
}

struct Parcel {
    /// Of the request it is for, where more may come; none for the last one and for who listens.
    key: Option<Key>,
    sender: mpsc::Sender<Message>,
    fate: Fate,
    message: Message,
    patience: Duration,
}

impl Waiting {
    fn parcel(&self, key: Option<Key>, message: Message) -> Parcel {
        Parcel {
            key,
            sender: self.sender.clone(),
            fate: self.fate.clone(),
            message,
            patience: self.patience,
        }
    }
}

impl Table {
    fn remove(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
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

    fn only(&self) -> Option<&Key> {
        let mut keys = self.waiting.keys();
        keys.next().filter(|_| keys.next().is_none())
    }
}
