//! Input requests of the modern era: a server asks for input in a reply, and gets it in another request. Each question
//! and each answer passes the interceptors as the request and the reply that it would be in the legacy era.
//!
//! An answer does not say which question it answers. Questions are therefore remembered by caller, server and the
//! `requestState` that the answer brings back, or by the request's params where the server gave no `requestState`. An
//! answer to an unknown question is refused where an interceptor would have judged it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{
    Call, Direction, Edit, Hook, Id, Json, Kind, Limits, Message, Method, Node, error_codes,
    pointer,
};
use sandgate_pipeline::{Admission, Chain};

use crate::call::error_reply;
use crate::call::in_flight::{InFlight, Reply};
use crate::nested::input_requests::{AROUND, InputRequests, Question};
use crate::nested::outer::{NestedError, Outer};
use crate::nested::store::NestedStore;
use crate::nested::ttl_map::{Lookup, Owner, TtlKey};
use crate::protocol::validation;
use sandgate_observe::Decision;

/// The methods with which servers ask clients.
pub(crate) const EVENTS: [&str; 3] = ["elicitation/create", "roots/list", "sampling/createMessage"];
/// The most questions in one reply; a reply with more is withheld.
const MOST_QUESTIONS: usize = 64;
/// Whether an interceptor judges questions (`Hook::PreCall`) or answers (`Hook::PostCall`) of this server.
pub(crate) fn judged(chain: &Chain, hook: Hook, server: &str) -> bool {
    EVENTS
        .iter()
        .any(|event| chain.concerns(hook, event, Direction::ServerToClient, server))
}

impl InputRequests {
    pub(crate) fn of(outer: Outer<'_>) -> Self {
        Self {
            method: outer.call.method.clone(),
            target: outer.call.target.clone(),
            captured: outer.captured(),
            questions: HashMap::new(),
            answers: Vec::new(),
            bytes: AROUND,
        }
    }

    pub(crate) fn remember(self, nested: &NestedStore, place: TtlKey, owner: Owner) {
        let bytes = self.bytes;
        nested
            .input_requests
            .put(place, owner, Arc::new(self), bytes);
    }

    /// Runs the questions through the interceptors. Returns the edits to `inputRequests`, whose JSON Pointer is `at`.
    ///
    /// `bearer` says whether an interceptor's answer in the client's place can still reach the server. `before` holds
    /// the questions asked there last time: a task repeats its questions until they are answered.
    ///
    /// # Errors
    ///
    /// The reply must be withheld: it asks too much, a question is malformed, or an interceptor refuses one.
    pub(crate) async fn ask(
        &mut self,
        outer: Outer<'_>,
        requests: Node<'_>,
        at: &str,
        bearer: bool,
        before: Option<&Self>,
    ) -> Result<Vec<Edit>, NestedError> {
        let unreadable = |what: &str| outer.withheld(what);
        if requests.members().count() > MOST_QUESTIONS {
            let what = format!("it asks for more than {MOST_QUESTIONS} inputs at once");
            return Err(unreadable(&what));
        }
        let judged = judged(outer.chain, Hook::PreCall, &outer.call.server);
        if requests.kind() != Kind::Object && judged {
            return Err(unreadable("`inputRequests` is no object"));
        }
        let mut edits = Vec::new();
        for (key, request) in requests.members() {
            let place = format!("{at}/{}", pointer::escape(&key));
            match question(&key, request, &outer.nested.limits) {
                Some(message) => {
                    let before = before.and_then(|inputs| inputs.questions.get(&*key));
                    let before = before.filter(|before| {
                        before.original == *message.payload()
                            && Some(&**before.deferred.method()) == message.method()
                            && before.deferred.is_of(outer.chain)
                    });
                    edits.extend(match before {
                        Some(before) => self.keep(&key, before.clone(), &place),
                        None => self.put(outer, &key, message, &place).await?,
                    });
                }
                None if judged => {
                    return Err(unreadable("one of its `inputRequests` is no request"));
                }
                None => {}
            }
        }
        if self.questions.is_empty() && !self.answers.is_empty() {
            if !bearer {
                return Err(unreadable(
                    "a policy answered what it asks for, and it gave no `requestState` under which the answer could reach \
                     the server",
                ));
            }
            return Ok(vec![Edit::Remove(at.to_owned())]);
        }
        Ok(edits)
    }

    async fn put(
        &mut self,
        outer: Outer<'_>,
        key: &str,
        question: Message,
        place: &str,
    ) -> Result<Option<Edit>, NestedError> {
        let arrival = outer.nested.recorder.nested_arrival(Instant::now());
        let size = question.bytes().len();
        let (text, original) = (question.bytes(), question.payload().clone());
        let name = question.method().unwrap_or_default();
        let call = Arc::new(Call {
            id: outer.nested.id_within(outer.call, key),
            method: name.into(),
            direction: Direction::ServerToClient,
            target: Method::new(name).target_in(&original).map(Into::into),
            client_target: None,
            definition: None,
            ..(**outer.call).clone()
        });
        if let Err(why) = validation::check(outer.chain, false, &call, &question) {
            return Err(outer.withheld(&format!("of what it asks for, {why}")));
        }
        let method = call.method.clone();
        let admitted = match outer.chain.enter(call, question).await {
            Admission::Continue(admitted) => admitted,
            Admission::Refused(filtered) => {
                let left = Reply {
                    message: filtered.message.clone(),
                    withheld: true,
                    interrupted: filtered.interrupted.clone(),
                    entries: filtered.trail.entries.clone(),
                };
                outer.nested.recorder.refused(filtered, size, arrival);
                return Err(outer.trouble(left));
            }
        };
        let mut in_flight = InFlight::begin(&outer.nested.recorder, admitted, arrival)
            .map_err(|_| outer.unwritten())?;
        if let Some(answer) = in_flight.take_answer() {
            let left = in_flight.leave(answer, Decision::Answered).await;
            return match left {
                Reply {
                    message: Some(answer),
                    withheld: false,
                    entries,
                    ..
                } => {
                    outer.note(&method, &entries);
                    self.bytes += key.len() + answer.payload().as_str().len();
                    self.answers.push((key.into(), answer.payload().clone()));
                    Ok(Some(Edit::Remove(place.to_owned())))
                }
                left => Err(outer.trouble(left)),
            };
        }
        outer.note(&method, in_flight.entries());
        let bare = in_flight.message().with_payload(original.clone()).bytes() != text;
        let deferred = in_flight.defer().map(Arc::new);
        let question = deferred.map(|deferred| Question {
            original,
            deferred,
            bare,
        });
        Ok(question.and_then(|question| self.keep(key, question, place)))
    }

    fn keep(&mut self, key: &str, question: Question, place: &str) -> Option<Edit> {
        let Question {
            original,
            deferred,
            bare,
        } = &question;
        let sent = deferred.message().payload();
        let edit = if *bare {
            let method = Json::string(deferred.method());
            let (method, params) = (method.as_str(), sent.as_str());
            let text = format!(r#"{{"method":{method},"params":{params}}}"#);
            Some(Edit::Set(place.to_owned(), text))
        } else if sent != original {
            Some(Edit::Set(format!("{place}/params"), sent.as_str().into()))
        } else {
            None
        };
        // The text is kept twice, and its parsed form takes about as much again.
        self.bytes += 3 * deferred.message().bytes().len() + key.len() + AROUND;
        self.questions.insert(key.into(), question);
        edit
    }
}

/// Runs the client's answers through the interceptors. Returns the edits to the params.
///
/// # Errors
///
/// An answer fits no known question where an interceptor judges answers, or an interceptor refuses one.
pub(crate) async fn answer(
    outer: Outer<'_>,
    inputs: Lookup<Arc<InputRequests>>,
    responses: Option<Node<'_>>,
) -> Result<Vec<Edit>, NestedError> {
    let judged = judged(outer.chain, Hook::PostCall, &outer.call.server);
    let unknown = || {
        NestedError::said(error_reply::not_sent(
            outer.call,
            error_codes::INVALID_PARAMS,
            "it is not known what these `inputResponses` answer: make the request anew, without them and without \
             `requestState`",
        ))
    };
    let given = || {
        responses
            .into_iter()
            .flat_map(|responses| responses.members())
    };
    let Lookup::Own(inputs) = inputs else {
        let harmless = responses.is_none_or(|responses| {
            responses.kind() == Kind::Object && responses.members().next().is_none()
        });
        return match harmless || !judged {
            true => Ok(Vec::new()),
            false => Err(unknown()),
        };
    };
    if judged && responses.is_some_and(|responses| responses.kind() != Kind::Object) {
        return Err(unknown());
    }
    let mut edits = Vec::new();
    for (key, value) in given() {
        if inputs
            .answers
            .iter()
            .any(|(answered, _)| **answered == *key)
        {
            continue;
        }
        let Some(question) = inputs.questions.get(&*key) else {
            if judged {
                return Err(unknown());
            }
            continue;
        };
        let arrival = value.to_json();
        let reply = Message::result(&key_id(&key), &arrival);
        let left = question
            .deferred
            .resume(outer.chain)
            .leave(reply, Decision::Forwarded)
            .await;
        match left {
            Reply {
                message: Some(reply),
                withheld: false,
                entries,
                ..
            } => {
                outer.note(question.deferred.method(), question.deferred.news(&entries));
                if *reply.payload() != arrival {
                    let place = format!("/inputResponses/{}", pointer::escape(&key));
                    edits.push(Edit::Set(place, reply.payload().as_str().into()));
                }
            }
            left => return Err(outer.trouble(left)),
        }
    }
    edits.extend(inputs.join(responses.is_some()));
    Ok(edits)
}

impl InputRequests {
    /// Adds the interceptors' answers to those of the client.
    fn join(&self, responses: bool) -> Vec<Edit> {
        if self.answers.is_empty() {
            return Vec::new();
        }
        if responses {
            let set = |(key, value): &(Box<str>, Json)| {
                let place = format!("/inputResponses/{}", pointer::escape(key));
                Edit::Set(place, value.as_str().into())
            };
            return self.answers.iter().map(set).collect();
        }
        vec![Edit::Set("/inputResponses".into(), self.answered())]
    }

    /// The interceptors' answers, as an `inputResponses` object.
    pub(crate) fn answered(&self) -> String {
        let members: Vec<String> = self
            .answers
            .iter()
            .map(|(key, value)| format!("{}:{}", Json::string(key).as_str(), value.as_str()))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// Whether interceptors answered every question.
    pub(crate) fn is_answered(&self) -> bool {
        self.questions.is_empty() && !self.answers.is_empty()
    }
}

/// One entry of `inputRequests` as a message of its own; `None` if it is not a request.
fn question(key: &str, request: Node<'_>, limits: &Limits) -> Option<Message> {
    let members = request.as_str().strip_prefix('{')?;
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{},{members}"#,
        Json::string(key).as_str()
    );
    // The envelope added here comes on top of the limit for the whole message.
    let limits = Limits {
        bytes: limits.bytes + 64 + key.len() * 6,
        depth: limits.depth,
    };
    let message = Message::parse(text, &limits).ok()?;
    message.method().is_some().then_some(message)
}

fn key_id(key: &str) -> Id {
    Id::from_json(&Json::string(key)).unwrap_or_else(|| Id::number(0))
}
