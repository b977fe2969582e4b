//! The legacy sessions that use one child, and what each has asked its program to go on doing.

use std::collections::HashMap;
use std::sync::Arc;

use sandgate_message::{Id, Json, Limits, Message, Shape, canonical_uri, error_codes};

use crate::demux::key::Key;
use crate::demux::queue::Listener;
use crate::demux::splice::splice;
use crate::share::Owner;
use crate::{Budget, Permit};
use crate::{Definitions, ServerError};

/// Resources that one session is subscribed to.
const MOST_SUBSCRIPTIONS: usize = 1024;
/// Questions of the program that wait for an answer.
const MOST_ASKED: usize = 1024;
/// Of log messages, the most verbose first.
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

/// The sessions of one child. Without any, as a child of one conversation is, it holds nothing.
#[derive(Debug, Default)]
pub(crate) struct Members {
    sessions: HashMap<u64, Member>,
    /// Whose the first one was.
    owner: Option<Owner>,
    /// Another's has joined since: what the program says of itself may be about either, for ever.
    mixed: bool,
    initialized: bool,
    asked: HashMap<Key, Question>,
}

#[derive(Debug)]
struct Member {
    definitions: Arc<Definitions>,
    listener: Option<Listener>,
    /// By canonical URI: as the session spelt it, and its memory.
    subscriptions: HashMap<Box<str>, (Box<str>, Permit)>,
    /// The least severe log messages that it wants, of [`LEVELS`]; none: it has not said.
    level: Option<usize>,
}

/// A request of the program's that a session was asked to answer.
#[derive(Debug)]
struct Question {
    session: u64,
    /// By which its client reports progress on it.
    token: Option<Key>,
}

/// What becomes of a request by which a session asks for something that lasts.
#[derive(Debug)]
pub(crate) enum MemberState {
    /// It goes on to the program.
    Goes(Message),
    /// The program does so already, or may not leave off: the gateway answers.
    Answered(Message),
}

/// What a session leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) listener: Option<Listener>,
    /// Resources that nobody is subscribed to any more.
    pub(crate) released: Vec<Box<str>>,
    /// Questions that nobody answers any more.
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

    /// All that ever joined are of one principal.
    pub(crate) fn are_of_one(&self) -> bool {
        !self.mixed
    }

    /// A list may be another one now.
    pub(crate) fn changed(&self, method: &str) {
        for member in self.sessions.values() {
            member.definitions.changed(method);
        }
    }

    pub(crate) fn listener(&mut self, session: u64) -> Option<&mut Option<Listener>> {
        let member = self.sessions.get_mut(&session)?;
        Some(&mut member.listener)
    }

    /// Of all, when the program has ended.
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

    /// Whether the session wants log messages of this level, as far as it said.
    pub(crate) fn wants(&self, session: u64, level: Option<&str>) -> bool {
        let Some(least) = self.sessions.get(&session).and_then(|member| member.level) else {
            return true;
        };
        level.and_then(severity).is_none_or(|level| level >= least)
    }

    /// A question goes to a session; false where it may not.
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

    /// The program takes a question back: whom it had asked.
    pub(crate) fn withdrawn(&mut self, id: &Key) -> Option<u64> {
        Some(self.asked.remove(id)?.session)
    }

    /// Whether a session's reply or notification goes on to the program: nothing that is another session's to say, and
    /// nothing that was said already.
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
                // The program knows of no session whose roots they would be.
                "notifications/roots/list_changed" => false,
                _ => true,
            },
        }
    }

    /// A session asks for something that lasts, or that it end.
    ///
    /// # Errors
    /// It has asked for too much.
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

/// A program may take several spellings for one resource.
fn canonical(uri: &str) -> Box<str> {
    canonical_uri(uri).map_or_else(|| uri.into(), |uri| uri.into())
}
