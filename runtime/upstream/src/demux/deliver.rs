//! Delivery of a child's messages to their readers.

use std::sync::Arc;

use sandgate_message::{Message, Shape, error_codes};
use tokio::sync::mpsc;

use crate::ServerError;
use crate::demux::attribution::is_released;
use crate::demux::key::Key;
use crate::demux::pending::{Reader, RoutedMessage};
use crate::demux::queue::EndCause;
use crate::demux::splice::{SUBSCRIPTION, SUBSCRIPTION_POINTER, meta, under_id};
use crate::demux::{ChildUsers, Demux};

impl Demux {
    /// Delivers a message of the child, waiting for a slow reader within bounds.
    pub(crate) async fn arrive(&self, message: Message) {
        if let Shape::Notification { method } = message.shape() {
            match &self.users {
                ChildUsers::One(definitions) => definitions.changed(method),
                // The change concerns all callers that share the child.
                ChildUsers::Modern => self.known.audience.changed(method),
                ChildUsers::Sessions => self.table.lock().members.changed(method),
            }
            if matches!(self.users, ChildUsers::Sessions)
                && let Some(told) = self.told(&message)
            {
                for routed in told {
                    self.deliver(routed).await;
                }
                return;
            }
        }
        if let Some(routed) = self.route(message) {
            self.deliver(routed).await;
        }
    }

    async fn deliver(&self, routed: RoutedMessage) {
        if routed.budget.hold(&routed.message).is_err() {
            return self.give_up_on(
                &routed.reader,
                &routed.end_cause,
                ServerError::Memory {
                    server: self.server.clone(),
                },
            );
        }
        let Err(full) = routed.sender.try_send(routed.message) else {
            return;
        };
        let message = match full {
            mpsc::error::TrySendError::Full(message) => message,
            mpsc::error::TrySendError::Closed(message) => {
                return self.undeliverable(&message, "nobody reads it");
            }
        };
        let began = tokio::time::Instant::now();
        let sent = tokio::time::timeout(routed.patience, routed.sender.send(message)).await;
        let held = began.elapsed();
        if sent.is_ok() {
            if self.shared {
                let left = routed.patience.saturating_sub(held);
                self.table.lock().spend(&routed.reader, left);
            }
            return;
        }
        let unread = ServerError::Unread {
            server: self.server.clone(),
            after: routed.patience,
        };
        self.give_up_on(&routed.reader, &routed.end_cause, unread);
    }

    /// Ends the delivery to a reader.
    fn give_up_on(&self, reader: &Reader, end_cause: &EndCause, error: ServerError) {
        tracing::warn!(server = %self.server, "{error}");
        let _ = end_cause.set(Some(error));
        match reader {
            Reader::Request(key) => {
                if self.table.lock().remove(key).is_some() {
                    self.cancel(key);
                }
            }
            Reader::Listener(conversation) => {
                if let Some(listener) = self.table.lock().listener(*conversation) {
                    listener.take_if(|listener| Arc::ptr_eq(&listener.end_cause, end_cause));
                }
            }
            Reader::Last => {}
        }
    }

    fn route(&self, message: Message) -> Option<RoutedMessage> {
        match message.shape() {
            Shape::Result { id } | Shape::Error { id: Some(id) } => {
                let id_there = Key::of_id(id);
                let Some(waiting) = self.table.lock().remove(&id_there) else {
                    if self.shared && is_released(&id_there) {
                        return None;
                    }
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
                Some(waiting.routed(None, message))
            }
            // The error may be about another session's message.
            Shape::Error { id: None } if matches!(self.users, ChildUsers::Sessions) => {
                let why = "an error without an id".into();
                let server = self.server.clone();
                self.garbage(None, ServerError::Garbage { server, why });
                None
            }
            Shape::Error { id: None } => {
                let mut table = self.table.lock();
                let Some(waiting) = table.only().cloned().and_then(|key| table.remove(&key)) else {
                    drop(table);
                    self.undeliverable(&message, "it is an error without an id");
                    return None;
                };
                let message = under_id(&message, &waiting.id, &self.limits)?;
                Some(waiting.routed(None, message))
            }
            Shape::Request { id, method } if matches!(self.users, ChildUsers::Sessions) => {
                let (id, method) = (id.clone(), method.clone());
                self.asked(&id, &method, message)
            }
            Shape::Request { id, .. } if self.shared => {
                let why = "a server of the modern era may not ask clients";
                let refusal = Message::error(Some(id), error_codes::METHOD_NOT_FOUND, why, None);
                let _ = self.urgent.try_send(refusal.line());
                None
            }
            Shape::Request { id, .. } => {
                let id = id.clone();
                let routed = self.unasked(message);
                if routed.is_none() {
                    let why = "no client is there to answer";
                    let refusal = Message::error(Some(&id), error_codes::SERVER, why, None);
                    let _ = self.urgent.try_send(refusal.line());
                }
                routed
            }
            Shape::Notification { method } => {
                let method = method.clone();
                self.notification(&method, message)
            }
        }
    }

    fn notification(&self, method: &str, message: Message) -> Option<RoutedMessage> {
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
                return Some(waiting.routed(Some(key), message));
            }
        }
        if !self.shared {
            drop(table);
            return self.unasked(message);
        }
        if matches!(self.users, ChildUsers::Sessions) {
            drop(table);
            return self.said(method, message);
        }
        if let Some(key) = meta(&message, SUBSCRIPTION)
            .as_ref()
            .and_then(|id| Key::of_node(id.root()))
            && let Some(waiting) = table.waiting.get(&key)
        {
            let message = self.splice(&message, SUBSCRIPTION_POINTER, waiting.id.as_str());
            return Some(waiting.routed(Some(key), message));
        }
        if method == "notifications/cancelled"
            && let Some(key) = root.get("requestId").and_then(Key::of_node)
            && let Some(waiting) = table.remove(&key)
        {
            // The server ends a subscription, which is not a failure.
            let _ = waiting.end_cause.set(None);
            let message = self.splice(&message, "/requestId", waiting.id.as_str());
            return Some(waiting.routed(None, message));
        }
        if method == "notifications/message" {
            // Log messages belong to requests: a subscription gets one only where no request wants any.
            let wanting = |lasts: bool| {
                let waiting = table.waiting.iter();
                waiting.filter(move |(_, one)| one.wants_log && one.lasts == lasts)
            };
            let mut wanting = wanting(wanting(false).next().is_none());
            if let (Some((key, waiting)), None) = (wanting.next(), wanting.next()) {
                return Some(waiting.routed(Some(key.clone()), message));
            }
        }
        drop(table);
        self.undeliverable(&message, "it names no request under way");
        None
    }

    /// Routes a message to the listener, or else to the oldest request.
    fn unasked(&self, message: Message) -> Option<RoutedMessage> {
        let routed = self.table.lock().unasked(0, message);
        match routed {
            Ok(routed) => Some(routed),
            Err(message) => {
                self.undeliverable(&message, "nobody listens");
                None
            }
        }
    }

    pub(crate) fn undeliverable(&self, message: &Message, why: &str) {
        // The method is the server's text: `{:?}` escapes it, so that it cannot forge log lines.
        let what = format!("{:?}: {why}", message.method().unwrap_or("a reply"));
        self.known.vitals.dropped(&self.server, &what);
    }
}
