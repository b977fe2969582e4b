//! Attribution: which of the sessions that share a child gets a message that the program sends by itself.
//!
//! On stdio such a message names no request. A changed list is announced to every session, and a changed resource to
//! the sessions that subscribed to it. Any other message goes to the one session with requests in flight, if there is
//! only one and no session of another principal ever used the child, since a program may still work for a session that
//! has ended. The rest is dropped.

use sandgate_message::{Id, Json, Limits, Message, error_codes};

use crate::demux::Demux;
use crate::demux::key::Key;
use crate::demux::pending::{PendingTable, RoutedMessage};

/// The prefix of ids of the gateway's own unsubscribe requests, whose replies are ignored.
const RELEASE: &str = "sandgate-release-";

impl Demux {
    /// The sessions to which a change is announced; `None` for a message that announces none.
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

    /// Routes a request of the program. The gateway itself answers `ping`.
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

    /// Routes a notification that is not the progress of a request in flight.
    pub(crate) fn said(&self, method: &str, message: Message) -> Option<RoutedMessage> {
        let mut table = self.table.lock();
        let payload = message.payload().clone();
        let session = match method {
            // The request of this progress has ended or never existed.
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
                // Another session asked for this level.
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

    /// Removes a session: cancels its requests in flight, and ends what the program does for it alone. Returns whether
    /// the session was there.
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
                // If the queue is full, the program keeps notifying about a resource that no session wants.
                let request = Message::request(&id, "resources/unsubscribe", &params);
                let _ = self.urgent.try_send(request.line());
            }
        }
        true
    }
}

/// Whether a reply answers one of the gateway's own unsubscribe requests.
pub(crate) fn is_released(id: &Key) -> bool {
    matches!(id, Key::Text(text) if text.starts_with(RELEASE))
}

/// The one session that can have caused a message of the program; `None` if that is uncertain.
fn cause(table: &PendingTable) -> Option<u64> {
    let waiting = table.waiting.values();
    let mut sessions = waiting.map(|waiting| waiting.conversation);
    let one = sessions.next()?;
    let known = table.members.are_of_one() && table.members.has(one);
    (known && sessions.all(|other| other == one)).then_some(one)
}
