//! A call's whole way, on one screen: [`Exchange::ask`]. A request walks in, its reply walks out, through the interceptors
//! that were in force when it came.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Call, Direction, Edit, Era, Hook, Id, Message, Method, Target, apply};
use sandgate_pipeline::Entry;
use tracing::Instrument;

use crate::call::{Caller, new_id};
use crate::config::GatewayConfig;
use crate::delivery::{Content, Delivery};
use crate::journal::{Journal, Left, Underway};
use crate::ledger::Ledger;
use crate::passing::Passing;
use crate::record::Decision;
use crate::registry::{Edition, Registry};
use crate::upstream::{Answer, Body, Conversation, Server, ServerError};
use crate::{mcp_headers, reply};

/// What all exchanges share.
pub(crate) struct House {
    pub(crate) config: GatewayConfig,
    pub(crate) registry: Arc<Registry>,
    pub(crate) journal: Arc<Journal>,
}

/// A server, and the conversation with it. One that could not be opened is a server that fails each call: the call is
/// judged and recorded all the same.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) server: Arc<Server>,
    pub(crate) conversation: Result<Arc<Conversation>, ServerError>,
}

/// One client and one server, and what may pass between them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) house: Arc<House>,
    pub(crate) caller: Caller,
    pub(crate) link: Link,
    /// Where the client can be asked something: a legacy session.
    pub(crate) ledger: Option<Arc<Ledger>>,
}

/// A request as it came.
struct Asked<'a> {
    edition: &'a Arc<Edition>,
    message: Message,
    headers: &'a HeaderMap,
    since: Instant,
}

impl Exchange {
    /// A request of the client's, its answer going back. `alias` is the client's name for the target, where it differs.
    /// Dropping the future, or the stream it hands back, is the client going away: the server is told, and the record
    /// says so.
    pub(crate) async fn ask(
        &self,
        edition: &Arc<Edition>,
        message: Message,
        headers: &HeaderMap,
        alias: Option<Arc<str>>,
    ) -> Delivery {
        let since = Instant::now();
        let call = self
            .describe(edition, &message, Direction::ClientToServer, headers, alias)
            .await;
        let span = tracing::info_span!("call", id = %call.id, method = %call.method, server = %call.server, target = call.target.as_deref());
        self.carry(
            call,
            Asked {
                edition,
                message,
                headers,
                since,
            },
        )
        .instrument(span)
        .await
    }

    async fn carry(&self, call: Arc<Call>, asked: Asked<'_>) -> Delivery {
        let Asked {
            edition,
            message,
            headers,
            since,
        } = asked;
        let came = message.bytes();
        let passage = match edition.chain().enter(call.clone(), message).await {
            Entry::Onward(passage) => passage,
            Entry::Refused(departure) => {
                return deliver(
                    self.house
                        .journal
                        .refused(&call, departure, came.len(), since),
                );
            }
        };
        let mut underway = match self.house.journal.begin(passage, since) {
            Ok(underway) => underway,
            Err(refusal) => return deliver(refusal),
        };
        let answer = match underway.take_answer() {
            Some(answer) => {
                return self
                    .depart(
                        edition,
                        underway,
                        StatusCode::OK,
                        HeaderMap::new(),
                        answer,
                        Decision::Answered,
                    )
                    .await;
            }
            None => self.forward(&underway, &came, headers).await,
        };
        self.back(edition, underway, answer).await
    }

    /// Once: a call is never repeated, since nobody knows whether it may be.
    async fn forward(
        &self,
        underway: &Underway,
        came: &[u8],
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let conversation = self.link.conversation.clone()?;
        let renewed = self.renewed(underway, came, headers);
        conversation
            .request(underway.message(), renewed.as_ref().unwrap_or(headers))
            .await
    }

    /// What the server answered, on its way to the client.
    async fn back(
        &self,
        edition: &Arc<Edition>,
        underway: Underway,
        answer: Result<Answer, ServerError>,
    ) -> Delivery {
        let call = underway.call().clone();
        let Some(id) = underway.message().id().cloned() else {
            return Delivery::accepted();
        };
        match answer {
            Ok(Answer {
                status,
                headers,
                body: Body::Message(reply),
            }) if reply.method().is_none() => {
                self.depart(
                    edition,
                    underway,
                    status,
                    headers,
                    reply,
                    Decision::Forwarded,
                )
                .await
            }
            Ok(Answer {
                status,
                headers,
                body: Body::Stream(arrivals),
            }) => {
                let passing = Passing::new(self.clone(), edition.clone(), arrivals, id, underway);
                Delivery {
                    status,
                    headers,
                    content: Content::Stream(passing.flow()),
                }
            }
            Ok(Answer {
                status,
                headers,
                body: Body::Raw(text),
            }) => {
                self.pass_raw(edition, underway, status, headers, text)
                    .await
            }
            Ok(Answer {
                status,
                headers,
                body: Body::Empty,
            }) if !status.is_success() => {
                let _ = underway.end(Decision::Failed, Some(0));
                Delivery {
                    status,
                    headers,
                    content: Content::Empty,
                }
            }
            Ok(Answer { status, .. }) => {
                let text = reply::no_reply(
                    &id,
                    &call,
                    &format!("status {status} and nothing that answers the request"),
                );
                deliver(underway.leave(text, Decision::Failed).await.message)
            }
            Err(error) => {
                tracing::warn!(server = %call.server, method = %call.method, "{error}");
                deliver(
                    underway
                        .leave(reply::server_error(&id, &call, &error), Decision::Failed)
                        .await
                        .message,
                )
            }
        }
    }

    async fn depart(
        &self,
        edition: &Edition,
        underway: Underway,
        status: StatusCode,
        headers: HeaderMap,
        reply: Message,
        decision: Decision,
    ) -> Delivery {
        let call = underway.call().clone();
        match underway.leave(reply, decision).await {
            // A refusal is an answer: a 4xx would send clients back to `initialize`.
            Left {
                message: Some(message),
                withheld: true,
            } => Delivery::message(message),
            Left {
                message: Some(message),
                withheld: false,
            } => {
                let message = self.for_this_caller(edition, &call, message);
                Delivery {
                    status,
                    headers,
                    content: Content::Message(message),
                }
            }
            Left { message: None, .. } => Delivery::accepted(),
        }
    }

    /// Not JSON-RPC, as a legacy server answers a modern probe: the client needs the status to fall back. The text passes
    /// only where no interceptor would have looked at a reply.
    async fn pass_raw(
        &self,
        edition: &Edition,
        underway: Underway,
        status: StatusCode,
        headers: HeaderMap,
        text: bytes::Bytes,
    ) -> Delivery {
        let call = underway.call().clone();
        let Some(id) = underway.message().id().cloned() else {
            return Delivery::accepted();
        };
        let judged =
            edition
                .chain()
                .concerns(Hook::PostCall, &call.method, call.direction, &call.server);
        match (judged, status.is_success()) {
            (false, success) => {
                let decision = if success {
                    Decision::Forwarded
                } else {
                    Decision::Failed
                };
                match underway.end(decision, Some(text.len())) {
                    Ok(()) => Delivery {
                        status,
                        headers,
                        content: Content::Raw(text),
                    },
                    Err(_) => Delivery::message(reply::unwritten(&id, &call, true)),
                }
            }
            (true, false) => {
                let _ = underway.end(Decision::Failed, Some(text.len()));
                Delivery::text(
                    status,
                    "the server's words are withheld: they are not JSON-RPC, so no policy can judge them\n",
                )
            }
            (true, true) => {
                let text = reply::no_reply(
                    &id,
                    &call,
                    "what it sent is not JSON-RPC, so no policy can judge it",
                );
                deliver(underway.leave(text, Decision::Failed).await.message)
            }
        }
    }

    /// A notification of the client's.
    pub(crate) async fn tell(
        &self,
        edition: &Edition,
        message: Message,
        headers: &HeaderMap,
    ) -> Delivery {
        let since = Instant::now();
        let call = self
            .describe(edition, &message, Direction::ClientToServer, headers, None)
            .await;
        let size = message.bytes().len();
        let passage = match edition.chain().enter(call.clone(), message).await {
            Entry::Onward(passage) => passage,
            Entry::Refused(departure) => {
                self.house.journal.refused(&call, departure, size, since);
                return Delivery::accepted();
            }
        };
        let Ok(underway) = self.house.journal.begin(passage, since) else {
            return Delivery::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not sent: the gateway cannot record it\n",
            );
        };
        let answer = match &self.link.conversation {
            Ok(conversation) => conversation.send(underway.message(), headers).await,
            Err(error) => Err(error.clone()),
        };
        let decision = if answer.is_ok() {
            Decision::Forwarded
        } else {
            Decision::Failed
        };
        // Nothing comes back that a missing record could still withhold.
        let _ = underway.end(decision, None);
        acknowledgement(answer)
    }

    /// Who calls what; with the target's definition only where somebody may read it.
    pub(crate) async fn describe(
        &self,
        edition: &Edition,
        message: &Message,
        direction: Direction,
        headers: &HeaderMap,
        alias: Option<Arc<str>>,
    ) -> Arc<Call> {
        let (server, name) = (&self.link.server, message.method().unwrap_or_default());
        let method = Method::new(name);
        let target = method.target_in(message.payload());
        let judged = |hook| {
            edition
                .chain()
                .concerns(hook, name, direction, server.name())
        };
        let defined = direction == Direction::ClientToServer
            && matches!(
                method.target(),
                Target::Tool | Target::Prompt | Target::Resource
            );
        let definition = match (&target, &self.link.conversation) {
            (Some(target), Ok(conversation))
                if defined && (judged(Hook::PreCall) || judged(Hook::PostCall)) =>
            {
                server
                    .definitions()
                    .fetch(conversation, name, target, headers)
                    .await
            }
            _ => None,
        };
        Arc::new(Call {
            id: new_id(),
            method: name.into(),
            direction,
            era: self.caller.era,
            server: server.name().clone(),
            target: target.map(Into::into),
            client_target: alias,
            session: self.caller.session.clone(),
            principal: self.caller.principal.clone(),
            groups: self.caller.groups.clone(),
            definition,
            attributes: self.caller.attributes.clone(),
        })
    }

    /// The headers that mirror params, where an interceptor changed those.
    fn renewed(&self, underway: &Underway, came: &[u8], headers: &HeaderMap) -> Option<HeaderMap> {
        let sent = underway.message();
        if self.caller.era != Era::Modern || sent.bytes() == came {
            return None;
        }
        let mut renewed = headers.clone();
        let call = underway.call();
        let known = || {
            self.link
                .server
                .definitions()
                .get(&call.method, call.target.as_deref()?)
        };
        mcp_headers::renew_params(
            &mut renewed,
            sent.payload(),
            call.definition.clone().or_else(known).as_ref(),
        );
        Some(renewed)
    }

    /// What interceptors may have changed for this caller must not be kept for others, nor past the next reload.
    pub(crate) fn for_this_caller(
        &self,
        edition: &Edition,
        call: &Call,
        reply: Message,
    ) -> Message {
        let cacheable = matches!(&*call.method, "server/discover" | "resources/read")
            || Method::new(&call.method).list_member().is_some();
        let changeable = || {
            edition
                .chain()
                .may_change(Hook::PostCall, &call.method, call.direction, &call.server)
        };
        if call.era != Era::Modern || !cacheable || reply.failed() || !changeable() {
            return reply;
        }
        let edits = [
            Edit::Set("/ttlMs".into(), "0".into()),
            Edit::Set("/cacheScope".into(), "\"private\"".into()),
        ];
        match apply(reply.payload(), &edits, &self.house.config.limits) {
            Ok(result) => reply.with_payload(result),
            Err(_) => reply,
        }
    }
}

impl Link {
    /// The very same conversation.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.conversation, &other.conversation) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Sends without a client waiting for what comes of it.
    pub(crate) async fn send(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        self.conversation.clone()?.send(message, headers).await
    }
}

fn deliver(message: Option<Message>) -> Delivery {
    message.map_or_else(Delivery::accepted, Delivery::message)
}

/// What a client is told of a message that needs no reply.
pub(crate) fn acknowledgement(answer: Result<Answer, ServerError>) -> Delivery {
    match answer {
        Ok(answer) if answer.status.is_success() => Delivery {
            headers: answer.headers,
            ..Delivery::accepted()
        },
        Ok(answer) => Delivery::new(answer.status, Content::Empty),
        Err(error) => {
            tracing::warn!("{error}");
            Delivery::text(StatusCode::BAD_GATEWAY, format!("{error}\n"))
        }
    }
}

/// The id that the client sees in place of the server's.
pub(crate) fn restamped(message: Message, id: &Id) -> Message {
    if message.id() == Some(id) {
        message
    } else {
        message.with_id(id)
    }
}
