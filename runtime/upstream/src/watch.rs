//! What the gateway learns from passing messages: lists, their changes, the negotiated version, and who waits for whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sandgate_message::{Era, Message, Method, Shape};

use super::Definitions;
use super::demux::shown_ids::ShownIds;
use super::facts::ServerFacts;
use sandgate_wire::Budget;

/// The facts known about a conversation.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The server's requests that the client has not answered yet. While there are any, the server is silent because it
    /// waits for the client.
    asked: AtomicUsize,
    /// The version negotiated by `initialize`.
    version: OnceLock<String>,
    /// The event ids from which the client may resume.
    pub(super) shown_ids: ShownIds,
}

impl Notes {
    pub(super) fn waits_for_client(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > 0
    }
    /// Notes that the client answered a request.
    pub(super) fn answered(&self) {
        let _ = self
            .asked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    }
    pub(super) fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }
}

/// Watches the messages that a request, or listening, brings back.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    era: Era,
    notes: Arc<Notes>,
    known: Arc<ServerFacts>,
    definitions: Arc<Definitions>,
    request: Option<Request>,
    budget: Budget,
}

#[derive(Clone, Debug)]
struct Request {
    method: Box<str>,
    /// The cursor of the requested list page; `None` for a first page or another request.
    cursor: Option<Box<str>>,
}

impl Watch {
    /// Creates a watch for what comes back to `message`; `None` for listening.
    pub(super) fn new(
        era: Era,
        notes: &Arc<Notes>,
        known: &Arc<ServerFacts>,
        definitions: &Arc<Definitions>,
        message: Option<&Message>,
        budget: &Budget,
    ) -> Self {
        let request = message.and_then(|message| {
            let method = message.method()?;
            let lists = Method::new(method).list_member().is_some();
            let cursor = message
                .payload()
                .root()
                .get("cursor")
                .filter(|_| lists)
                .map(|cursor| match cursor.string() {
                    Some(text) => text.into(),
                    None => cursor.as_str().into(),
                });
            Some(Request {
                method: method.into(),
                cursor,
            })
        });
        Self {
            era,
            notes: notes.clone(),
            known: known.clone(),
            definitions: definitions.clone(),
            request,
            budget: budget.clone(),
        }
    }

    /// The request's method; `None` for listening.
    pub(super) fn method(&self) -> Option<&str> {
        self.request.as_ref().map(|request| &*request.method)
    }
    /// The budget that is charged for what comes back.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }
    pub(super) fn era(&self) -> Era {
        self.era
    }
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }
    pub(super) fn known(&self) -> &ServerFacts {
        &self.known
    }

    /// Looks at a message for the client.
    pub(super) fn look(&self, message: &Message) {
        match message.shape() {
            Shape::Notification { method } => self.definitions.changed(method),
            Shape::Request { .. } => {
                self.notes.asked.fetch_add(1, Ordering::Relaxed);
            }
            Shape::Result { .. } => self.reply(message),
            Shape::Error { .. } => {}
        }
    }

    fn reply(&self, message: &Message) {
        let Some(Request { method, cursor }) = &self.request else {
            return;
        };
        let result = message.payload();
        match self.era {
            // A legacy server may answer a modern request in its own way; only the modern era has these members.
            Era::Modern => {
                let result = result.root();
                if result
                    .get("resultType")
                    .or_else(|| result.get("supportedVersions"))
                    .is_some()
                {
                    self.known.speaks(Era::Modern);
                }
            }
            Era::Legacy if &**method == "initialize" => {
                self.known.speaks(Era::Legacy);
                if let Some(version) = result
                    .root()
                    .get("protocolVersion")
                    .and_then(|node| node.string())
                {
                    let _ = self.notes.version.set(version.into_owned());
                }
            }
            Era::Legacy => {}
        }
        if Method::new(method).list_member().is_some() {
            self.known
                .lookalikes
                .learn(method, cursor.is_some(), result);
            self.definitions.learn(method, cursor.as_deref(), result);
            self.known.audience.trim(&self.definitions);
        }
    }
}

impl Definitions {
    /// Forgets a list after a notification that it may have changed.
    pub(super) fn changed(&self, method: &str) {
        match method {
            "notifications/tools/list_changed" => self.forget("tools"),
            "notifications/prompts/list_changed" => self.forget("prompts"),
            "notifications/resources/list_changed" => {
                self.forget("resources");
                self.forget("resourceTemplates");
            }
            _ => {}
        }
    }
}
