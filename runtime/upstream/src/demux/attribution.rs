//! To which of the sessions that use one child a message of its program's own goes.
//!
//! On stdio such a message names no request. So a change of a list is told to every session, a change of a resource to
//! those that subscribed to it, and anything else to the one session that has requests under way, where there is only one
//! and no other principal's session ever used the child: a program may still be at work for a session that has ended. What
//! remains goes nowhere.

use sandgate_message::{Id, Json, Limits, Message, error_codes};

use crate::demux::Demux;
use crate::demux::key::Key;
use crate::demux::pending::{PendingTable, RoutedMessage};

/// Begins the id of a request by which the gateway ends a subscription; nobody waits for its reply.
const RELEASE: &str = "sandgate-release-";

impl Demux {
    /// To whom a change is told; none for a message that tells of none.
    pub(crate) fn told(&self, message: &Message) -> Option<Vec<RoutedMessage>> {
        let mut table = self.table.lock();
        let sessions = match message.method()? {
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => table.members.all(),
            "notifications/resources/updated" => {
                let uri = message.payload().root().get("uri");
                let uri = uri.and_then(|uri| uri.string()).unwrap_or_default();
                table.members.subscribers(&uri)
            }
            _ => return None,
        };
        let told = sessions
            .into_iter()
            .filter_map(|session| table.unasked(session, message.clone()).ok());
        let told: Vec<RoutedMessage> = told.collect();
        drop(table);
        if told.is_empty() {
            self.undeliverable(message, "nobody listens who wants it");
        }
        Some(told)
    }

    /// A request of the program's: `ping` is the gateway's to answer.
    pub(crate) fn asked(&self, id: &Id, method: &str, message: Message) -> Option<RoutedMessage> {
        if method == "ping" {
            let _ = self
                .urgent
                .try_send(Message::result(id, &Json::empty_object()).line());
            return None;
        }
        let mut table = self.table.lock();
        let params = message.payload().clone();
        let refused = match cause(&table) {
            Some(session) => match table.unasked(session, message) {
                Ok(routed) if table.members.ask(session, id, &params) => return Some(routed),
                Ok(routed) => routed.message,
                Err(message) => message,
            },
            None => message,
        };
        drop(table);
        self.undeliverable(&refused, "no one session can have caused it");
        let why = "several sessions use this program: it cannot be told whose client this is for";
        let refusal = Message::error(Some(id), error_codes::SERVER, why, None);
        let _ = self.urgent.try_send(refusal.line());
        None
    }

    /// A notification that is no progress of a request under way.
    pub(crate) fn said(&self, method: &str, message: Message) -> Option<RoutedMessage> {
        let mut table = self.table.lock();
        let payload = message.payload().clone();
        let session = match method {
            // Its request is over, or was never there.
            "notifications/progress" => None,
            "notifications/cancelled" => {
                let id = payload.root().get("requestId").and_then(Key::of_node);
                id.and_then(|id| table.members.withdrawn(&id))
            }
            _ => cause(&table),
        };
        if method == "notifications/message" {
            let level = payload.root().get("level").and_then(|level| level.string());
            if session.is_some_and(|session| !table.members.wants(session, level.as_deref())) {
                // Another session wants so much.
                return None;
            }
        }
        let message = match session {
            Some(session) => match table.unasked(session, message) {
                Ok(routed) => return Some(routed),
                Err(message) => message,
            },
            None => message,
        };
        drop(table);
        self.undeliverable(&message, "no one session can have caused it");
        None
    }

    /// A session is over: what it has under way ends, and what the program does for it alone. Whether it was there.
    pub(crate) fn leave(&self, session: u64) -> bool {
        let mut table = self.table.lock();
        let Some(left) = table.members.leave(session) else {
            return false;
        };
        let waiting = table.waiting.iter();
        let own = waiting.filter(|(_, waiting)| waiting.conversation == session);
        let own: Vec<Key> = own.map(|(key, _)| key.clone()).collect();
        for key in own {
            if let Some(waiting) = table.remove(&key) {
                let _ = waiting.end_cause.set(Some(self.closed()));
                self.cancel(&key);
            }
        }
        if let Some(listener) = left.listener {
            let _ = listener.end_cause.set(None);
        }
        for id in left.asked {
            let why = "the client is gone";
            let id = Json::parse(id.as_json(), &Limits::default());
            if let Some(id) = id.ok().and_then(|id| Id::from_json(&id)) {
                let refusal = Message::error(Some(&id), error_codes::SERVER, why, None);
                let _ = self.urgent.try_send(refusal.line());
            }
        }
        for uri in left.released {
            table.last += 1;
            let id = Json::string(&format!("{RELEASE}{}", table.last));
            let params = Json::of(&serde_json::json!({ "uri": uri }));
            if let (Some(id), Ok(params)) = (Id::from_json(&id), params) {
                // Full: it tells of the resource once more than anybody listens.
                let request = Message::request(&id, "resources/unsubscribe", &params);
                let _ = self.urgent.try_send(request.line());
            }
        }
        true
    }
}

/// The reply to a request of the gateway's own that nobody waits for.
pub(crate) fn is_released(id: &Key) -> bool {
    matches!(id, Key::Text(text) if text.starts_with(RELEASE))
}

/// The one session that can have caused what the program says unasked, where that can be told.
fn cause(table: &PendingTable) -> Option<u64> {
    let waiting = table.waiting.values();
    let mut sessions = waiting.map(|waiting| waiting.conversation);
    let one = sessions.next()?;
    let known = table.members.are_of_one() && table.members.has(one);
    (known && sessions.all(|other| other == one)).then_some(one)
}
