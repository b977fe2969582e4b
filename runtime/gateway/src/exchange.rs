//! A call's whole way, on one screen: [`Exchange::ask`]. A request walks in, its reply walks out, through the interceptors
//! that were in force when it came.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Call, Direction, Era, Hook, Id, Json, Message};
use sandgate_pipeline::Entry;
use tracing::Instrument;

use crate::caching::for_this_caller;
use crate::call::Caller;
use crate::claims::Claims;
use crate::delivery::{Content, Delivery};
use crate::house::{House, Link};
use crate::journal::{Left, Underway};
use crate::ledger::Ledger;
use crate::observer::Came;
use crate::passing::Passing;
use crate::record::Decision;
use crate::registry::Edition;
use crate::upstream::{Answer, Body, ServerError, Transport};
use crate::{carried, mcp_headers, reply};

/// One client and one server, and what may pass between them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) house: Arc<House>,
    pub(crate) caller: Caller,
    pub(crate) link: Link,
    /// Where the client can be asked something: a legacy session.
    pub(crate) ledger: Option<Arc<Ledger>>,
    /// What each server may name, where the client hears several as one.
    pub(crate) claims: Option<Arc<Claims>>,
}

/// A request as it came.
struct Asked<'a> {
    edition: &'a Arc<Edition>,
    message: Message,
    headers: &'a HeaderMap,
    came: Came,
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
        let direction = Direction::ClientToServer;
        let (came, message) = self.came(message, headers, direction);
        let call = self
            .describe(edition, &message, direction, headers, alias)
            .await;
        if let Err(why) = self.mirrored(&call, &message, headers).await {
            return reply::mismatch(message.id(), &why.to_string());
        }
        if let Err(why) = self.validate(edition, &call, &message, headers).await {
            let refusal = self.refuse(edition.chain(), call, &message, &why, came);
            let status = refusal.as_ref().map(reply::modern_status);
            let mut delivery = deliver(refusal);
            if let (Era::Modern, Some(status)) = (self.caller.era, status) {
                delivery.status = status;
            }
            return delivery;
        }
        // The method is the client's own text: escaped, so that it cannot write lines of its making. No target: a URI may
        // be what a policy masks.
        let span = tracing::info_span!("call", id = %call.id, method = ?call.method, server = %call.server);
        self.carry(
            call,
            Asked {
                edition,
                message,
                headers,
                came,
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
            mut came,
        } = asked;
        let bytes = message.bytes();
        let lookout = self.house.journal.lookout();
        lookout.describe(
            &mut came,
            &self.house.carriage,
            edition.chain(),
            &call,
            &message,
        );
        if let (Some(taken), Some(target)) = (&mut came.taken, call.target.as_deref())
            && call.definition.is_none()
            && let Some(definitions) = self.link.definitions()
            && let Some(definition) = definitions.get(&call.method, target)
        {
            // Nobody reads it now; whoever plays the call again may.
            Arc::make_mut(&mut taken.call).definition = Some(definition);
        }
        let passage = match carried::enter(
            &self.house.carriage,
            edition.chain(),
            call,
            message,
            came.asides(),
        )
        .await
        {
            Entry::Onward(passage) => passage,
            Entry::Refused(departure) => {
                let overloaded = departure.overloaded;
                let refusal = deliver(self.house.journal.refused(departure, bytes.len(), came));
                return match overloaded {
                    true => reply::later(refusal),
                    false => refusal,
                };
            }
        };
        let mut underway = match self.house.journal.begin(passage, came) {
            Ok(underway) => underway,
            Err(refusal) => return deliver(refusal.map(|refusal| *refusal)),
        };
        self.goes_on(underway.message());
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
            None => self.forward(edition, &underway, &bytes, headers).await,
        };
        self.back(edition, underway, answer).await
    }

    /// A request goes on to the server, changed by every interceptor that wanted to.
    fn goes_on(&self, request: &Message) {
        self.link.goes_on(request);
        if let Some(claims) = &self.claims {
            claims.goes(request, self.link.server.name());
        }
    }

    /// A message begins its way.
    pub(crate) fn came(
        &self,
        message: Message,
        headers: &HeaderMap,
        direction: Direction,
    ) -> (Came, Message) {
        let limits = &self.house.config.limits;
        let lookout = self.house.journal.lookout();
        lookout.came(message, headers, direction, limits)
    }

    /// Once: a call is never repeated, since nobody knows whether it may be.
    async fn forward(
        &self,
        edition: &Edition,
        underway: &Underway,
        came: &[u8],
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let conversation = self.link.conversation.clone()?;
        let renewed = self.renewed(edition, underway, came, headers).await;
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
                self.refused_for_now(&reply);
                // On stdio there is no status: the one that a modern server has for such an error.
                let status = match call.era {
                    Era::Modern if !self.over_http() => reply::modern_status(&reply),
                    _ => status,
                };
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
                // Whatever else comes is of the client that the server knows.
                let mut exchange = self.clone();
                exchange.caller.attributes = call.attributes.clone();
                let passing = Passing::new(exchange, edition.clone(), arrivals, id, underway);
                Delivery {
                    status,
                    headers,
                    content: Content::Stream(passing.flow()),
                }
            }
            Ok(Answer {
                status,
                headers,
                body: Body::Empty,
            }) if !status.is_success() => refused(underway, &id, status, headers),
            Ok(Answer { status, .. }) => {
                let text = reply::no_reply(
                    &id,
                    &call,
                    &format!("status {status} and nothing that answers the request"),
                );
                deliver(self.failed(underway, text).await)
            }
            Err(error) => {
                tracing::warn!(server = %call.server, method = ?call.method, "{}", error.detail());
                self.link.note(&error);
                let text = reply::server_error(&id, &call, &error);
                let mut delivery = deliver(self.failed(underway, text).await);
                if matches!(error, ServerError::SessionGone { .. }) {
                    // What makes a client initialize again.
                    delivery.status = StatusCode::NOT_FOUND;
                }
                delivery
            }
        }
    }

    /// There is no reply: the gateway says why.
    pub(crate) async fn failed(&self, underway: Underway, why: Message) -> Option<Message> {
        let carriage = &self.house.carriage;
        let left = carried::leave(carriage, None, underway, why, Decision::Failed).await;
        left.message
    }

    /// An error may say what the client has to do first, and the server when that is done.
    pub(crate) fn refused_for_now(&self, reply: &Message) {
        if let Some(claims) = &self.claims {
            claims.asks(reply, self.link.server.name());
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
        match carried::leave(
            &self.house.carriage,
            Some(&self.link),
            underway,
            reply,
            decision,
        )
        .await
        {
            // A refusal is an answer: a 4xx would send clients back to `initialize`.
            Left {
                message: Some(message),
                withheld: true,
                ..
            } => Delivery::message(message),
            Left {
                message: Some(message),
                withheld: false,
                ..
            } => {
                let message = for_this_caller(edition, &call, &self.house.config.limits, message);
                Delivery {
                    status,
                    headers,
                    content: Content::Message(message),
                }
            }
            Left { message: None, .. } => Delivery::accepted(),
        }
    }

    /// Whether the headers that mirror arguments say what the body says. An HTTP server whose list nobody has asked for
    /// judges for itself: it gets the headers as they came.
    async fn mirrored(
        &self,
        call: &Call,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<(), mcp_headers::Disagreement> {
        let judged = call.era == Era::Modern && &*call.method == "tools/call";
        if !judged || !mcp_headers::bears_headers(headers) {
            return Ok(());
        }
        let ask = !self.over_http();
        match self.definition(call, headers, ask).await {
            Some(tool) => mcp_headers::check_params(headers, message.payload(), &tool),
            None => Ok(()),
        }
    }

    /// The headers that mirror params, where an interceptor changed those, where the client, being on stdio, sent none, and
    /// where an interceptor looks and the client sent some; and our place in a trace.
    async fn renewed(
        &self,
        edition: &Edition,
        underway: &Underway,
        came: &[u8],
        headers: &HeaderMap,
    ) -> Option<HeaderMap> {
        let (sent, call) = (underway.message(), underway.call());
        let changed = sent.bytes() != came;
        let unsaid = &*call.method == "tools/call" && !mcp_headers::bears_headers(headers);
        // A parameter in a header that no definition explains would say what no interceptor saw.
        let unseen = mcp_headers::bears_params(headers) && self.judged(edition, call);
        let traced = underway.came().renew(headers);
        let renews = changed || unsaid || unseen;
        if self.caller.era != Era::Modern || !self.over_http() || !renews {
            return traced;
        }
        let tool = self.definition(call, headers, unsaid).await;
        let mut renewed = traced.unwrap_or_else(|| headers.clone());
        mcp_headers::renew_params(&mut renewed, sent.payload(), tool.as_ref());
        Some(renewed)
    }

    /// An interceptor looks at the call or its reply.
    fn judged(&self, edition: &Edition, call: &Call) -> bool {
        [Hook::PreCall, Hook::PostCall].into_iter().any(|hook| {
            let chain = edition.chain();
            chain.concerns(hook, &call.method, call.direction, &call.server)
        })
    }

    fn over_http(&self) -> bool {
        matches!(self.link.server.config().transport, Transport::Http { .. })
    }

    /// The definition of the call's target: where nobody has seen it yet, the server is asked if `ask` says so.
    async fn definition(&self, call: &Call, headers: &HeaderMap, ask: bool) -> Option<Json> {
        if call.definition.is_some() {
            return call.definition.clone();
        }
        let (definitions, target) = (self.link.definitions()?, call.target.as_deref()?);
        match &self.link.conversation {
            Ok(conversation) if ask => {
                definitions
                    .fetch(conversation, &call.method, target, headers)
                    .await
            }
            _ => definitions.get(&call.method, target),
        }
    }
}

/// The server refused the request in words that are no error of JSON-RPC. The client needs the status (a legacy server
/// refuses a modern probe so), and the headers that say what to do about it; the words have passed no interceptor.
fn refused(underway: Underway, id: &Id, status: StatusCode, headers: HeaderMap) -> Delivery {
    let call = underway.call().clone();
    if underway.end(Decision::Failed, Some(0)).is_err() {
        return Delivery::message(reply::unwritten(id, &call, true));
    }
    let text = "the server refused the request; its words are withheld: they are no JSON-RPC error that answers it\n";
    Delivery {
        headers,
        ..Delivery::text(status, text)
    }
}

fn deliver(message: Option<Message>) -> Delivery {
    message.map_or_else(Delivery::accepted, Delivery::message)
}
