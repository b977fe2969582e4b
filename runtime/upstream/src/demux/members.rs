//! The legacy sessions that share a child, with their subscriptions and log levels.

use std::collections::HashMap;
use std::sync::Arc;

use sandgate_message::{Id, Json, Limits, Message, Shape, canonical_uri, error_codes};

use crate::demux::key::Key;
use crate::demux::queue::Listener;
use crate::demux::splice::splice;
use crate::share::Owner;
use crate::{Definitions, ServerError};
use sandgate_wire::{Budget, Permit};

/// The most resources that one session may be subscribed to.
const MOST_SUBSCRIPTIONS: usize = 1024;
/// The most requests of the program that wait for an answer.
const MOST_ASKED: usize = 1024;
/// The levels of log messages, the most verbose first.
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// The sessions that share one child; empty for a child of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Members {
    sessions: HashMap<u64, Member>,
    /// The owner of the first session.
    owner: Option<Owner>,
    /// Whether a session of another owner has ever joined: the program's own messages may then be about either.
    mixed: bool,
    initialized: bool,
    asked: HashMap<Key, Question>,
}

#[derive(Debug)]
struct Member {
    definitions: Arc<Definitions>,
    listener: Option<Listener>,
    /// The subscriptions by canonical URI, each with the session's spelling and the permit for its memory.
    subscriptions: HashMap<Box<str>, (Box<str>, Permit)>,
    /// The least severe log level that the session wants, as an index into [`LEVELS`]; `None` if it never said.
    level: Option<usize>,
}

/// A request of the program that a session was asked to answer.
#[derive(Debug)]
struct Question {
    session: u64,
    /// The progress token of the request.
    token: Option<Key>,
}

/// How a session's request for a lasting effect is handled.
#[derive(Debug)]
pub(crate) enum MemberState {
    /// The request is sent to the program.
    Goes(Message),
    /// The gateway answers: the program does so already, or must go on for other sessions.
    Answered(Message),
}

/// What a session leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) listener: Option<Listener>,
    /// The resources that no session is subscribed to any more.
    pub(crate) released: Vec<Box<str>>,
    /// The program's requests that are left without an answer.
    pub(crate) asked: Vec<Key>,
}

impl Members {
    pub(crate) fn join(&mut self, session: u64, owner: &Owner, definitions: Arc<Definitions>) {
        self.mixed |= self.owner.as_ref().is_some_and(|first| first != owner);
        self.owner.get_or_insert_with(|| owner.clone());
        let member = Member {
            definitions,
            listener: None,
            subscriptions: HashMap::new(),
            level: None,
        };
        self.sessions.insert(session, member);
    }

    pub(crate) fn leave(&mut self, session: u64) -> Option<Left> {
        let member = self.sessions.remove(&session)?;
        let released = member.subscriptions.into_iter();
        let released = released.filter(|(uri, _)| !self.is_subscribed(uri));
        let released = released.map(|(_, (spelt, _))| spelt).collect();
        let questions = self
            .asked
            .extract_if(|_, question| question.session == session);
        Some(Left {
            listener: member.listener,
            released,
            asked: questions.map(|(id, _)| id).collect(),
        })
    }

    pub(crate) fn has(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.sessions.keys().copied().collect()
    }

    /// Whether all sessions that ever joined have one owner.
    pub(crate) fn are_of_one(&self) -> bool {
        !self.mixed
    }

    /// Notes that a list may have changed.
    pub(crate) fn changed(&self, method: &str) {
        for member in self.sessions.values() {
            member.definitions.changed(method);
        }
    }

    pub(crate) fn listener(&mut self, session: u64) -> Option<&mut Option<Listener>> {
        let member = self.sessions.get_mut(&session)?;
        Some(&mut member.listener)
    }

    /// Takes the listeners of all sessions, once the program has ended.
    pub(crate) fn take_listeners(&mut self) -> Vec<Listener> {
        let members = self.sessions.values_mut();
        members
            .filter_map(|member| member.listener.take())
            .collect()
    }

    pub(crate) fn subscribers(&self, uri: &str) -> Vec<u64> {
        let uri = canonical(uri);
        let members = self.sessions.iter();
        let subscribed = members.filter(|(_, member)| member.subscriptions.contains_key(&uri));
        subscribed.map(|(session, _)| *session).collect()
    }

    /// Whether the session wants log messages of this level. A session that never set a level wants all.
    pub(crate) fn wants(&self, session: u64, level: Option<&str>) -> bool {
        let Some(least) = self.sessions.get(&session).and_then(|member| member.level) else {
            return true;
        };
        level.and_then(severity).is_none_or(|level| level >= least)
    }

    /// Registers a request of the program to a session. Returns `false` if it must not be sent.
    pub(crate) fn ask(&mut self, session: u64, id: &Id, params: &Json) -> bool {
        let id = Key::of_id(id);
        if self.asked.len() >= MOST_ASKED || self.asked.contains_key(&id) {
            return false;
        }
        let token = params.at("/_meta/progressToken");
        let token = token.and_then(|token| Key::of_node(token.root()));
        self.asked.insert(id, Question { session, token });
        true
    }

    /// Removes a request that the program cancels. Returns the session that was asked.
    pub(crate) fn withdrawn(&mut self, id: &Key) -> Option<u64> {
        Some(self.asked.remove(id)?.session)
    }

    /// Whether a session's reply or notification may be sent to the program: it must concern the session itself, and
    /// must not repeat what was sent before.
    pub(crate) fn may_say(&mut self, session: u64, message: &Message) -> bool {
        if !self.has(session) {
            return false;
        }
        let own = |question: &Question| question.session == session;
        match message.shape() {
            Shape::Result { id } | Shape::Error { id: Some(id) } => {
                let id = Key::of_id(id);
                self.asked.get(&id).is_some_and(own) && self.asked.remove(&id).is_some()
            }
            Shape::Error { id: None } | Shape::Request { .. } => false,
            Shape::Notification { method } => match &**method {
                "notifications/initialized" => !std::mem::replace(&mut self.initialized, true),
                "notifications/progress" => {
                    let token = message.payload().root().get("progressToken");
                    let token = token.and_then(Key::of_node);
                    token.is_some()
                        && self
                            .asked
                            .values()
                            .any(|one| own(one) && one.token == token)
                }
                // The program knows no session to which the roots would belong.
                "notifications/roots/list_changed" => false,
                _ => true,
            },
        }
    }

    /// Handles a session's request that starts or ends a lasting effect.
    ///
    /// # Errors
    ///
    /// The session has too many subscriptions, or there is no memory for another.
    pub(crate) fn stand(
        &mut self,
        session: u64,
        message: &Message,
        budget: &Budget,
        limits: &Limits,
        server: &Arc<str>,
    ) -> Result<MemberState, ServerError> {
        let goes = || Ok(MemberState::Goes(message.clone()));
        let (Some(method), Some(id)) = (message.method(), message.id()) else {
            return goes();
        };
        let params = message.payload().root();
        if method == "logging/setLevel" {
            let level = params.get("level").and_then(|level| level.string());
            let Some(level) = level.as_deref().and_then(severity) else {
                let (code, why) = (error_codes::INVALID_PARAMS, "no such log level");
                return Ok(MemberState::Answered(Message::error(
                    Some(id),
                    code,
                    why,
                    None,
                )));
            };
            if let Some(member) = self.sessions.get_mut(&session) {
                member.level = Some(level);
            }
            let levels = self.sessions.values().filter_map(|member| member.level);
            let verbose = levels.min().unwrap_or(level);
            return Ok(MemberState::Goes(match verbose == level {
                true => message.clone(),
                false => {
                    let level = Json::string(LEVELS[verbose]);
                    splice(message, "/level", level.as_str().to_owned(), limits)
                }
            }));
        }
        let Some(spelt) = params.get("uri").and_then(|uri| uri.string()) else {
            return goes();
        };
        let uri = canonical(&spelt);
        if method == "resources/unsubscribe" {
            let member = self.sessions.get_mut(&session);
            let had = member.and_then(|member| member.subscriptions.remove(&uri));
            if had.is_some() && !self.is_subscribed(&uri) {
                return goes();
            }
            let done = Message::result(id, &Json::empty_object());
            return Ok(MemberState::Answered(done));
        }
        if let Some(member) = self.sessions.get_mut(&session)
            && !member.subscriptions.contains_key(&uri)
        {
            let limit = MOST_SUBSCRIPTIONS;
            let busy = || ServerError::Busy {
                server: server.clone(),
                limit,
            };
            if member.subscriptions.len() >= limit {
                return Err(busy());
            }
            let memory = budget.take(spelt.len() * 2).map_err(|_| busy())?;
            member
                .subscriptions
                .insert(uri, (spelt.as_ref().into(), memory));
        }
        goes()
    }

    fn is_subscribed(&self, uri: &str) -> bool {
        let mut members = self.sessions.values();
        members.any(|member| member.subscriptions.contains_key(uri))
    }
}

fn severity(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}

/// The canonical form of a URI, since a program may accept several spellings for one resource.
fn canonical(uri: &str) -> Box<str> {
    canonical_uri(uri).map_or_else(|| uri.into(), |uri| uri.into())
}
