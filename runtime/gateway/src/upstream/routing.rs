//! The way of a child's message to whom it belongs.

use sandgate_message::{Message, Shape, error_codes};
use tokio::sync::mpsc;

use super::ServerError;
use super::key::Key;
use super::routes::Routes;
use super::splice::{SUBSCRIPTION, SUBSCRIPTION_POINTER, meta, under_id};
use super::table::{Fate, Parcel};

impl Routes {
    /// A message of the child's. Waits, within bounds, for a reader that is behind.
    pub(super) async fn arrive(&self, message: Message) {
        if let Shape::Notification { method } = message.shape() {
            match &self.own {
                Some(definitions) => definitions.changed(method),
                // It is said to all who share the child.
                None => self.known.audience.changed(method),
            }
        }
        let Some(mut parcel) = self.route(message) else {
            return;
        };
        if parcel.budget.hold(&parcel.message).is_err() {
            return self.give_up_on(
                &parcel.key,
                &parcel.fate,
                ServerError::Memory {
                    server: self.server.clone(),
                },
            );
        }
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
        self.give_up_on(&parcel.key, &parcel.fate, unread);
    }

    /// Nothing more goes to this reader.
    fn give_up_on(&self, key: &Option<Key>, fate: &Fate, error: ServerError) {
        tracing::warn!(server = %self.server, "{error}");
        let _ = fate.set(Some(error));
        match key {
            Some(key) => {
                if self.table.lock().remove(key).is_some() {
                    self.cancel(key);
                }
            }
            None => self.table.lock().listener = None,
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
                let _ = self.urgent.try_send(refusal.line());
                None
            }
            Shape::Request { id, .. } => {
                let id = id.clone();
                let parcel = self.unasked(message);
                if parcel.is_none() {
                    let why = "no client is there to answer";
                    let refusal = Message::error(Some(&id), error_codes::SERVER, why, None);
                    let _ = self.urgent.try_send(refusal.line());
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
            // They belong to requests: a subscription gets them where no request may be meant.
            let wanting = |lasts: bool| {
                let waiting = table.waiting.iter();
                waiting.filter(move |(_, one)| one.wants_log && one.lasts == lasts)
            };
            let mut wanting = wanting(wanting(false).next().is_none());
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
        table.listener.take_if(|(sender, ..)| sender.is_closed());
        if let Some((sender, fate, budget)) = &table.listener {
            let (sender, fate) = (sender.clone(), fate.clone());
            return Some(Parcel {
                budget: budget.clone(),
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
        // The method is the server's own text: escaped, so that it cannot write lines of its making.
        let what = format!("{:?}: {why}", message.method().unwrap_or("a reply"));
        self.known.vitals.dropped(&self.server, &what);
    }
}
