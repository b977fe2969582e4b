//! Towards clients: what a message from one of them sets going, whatever the transport it came by.

pub(crate) mod connection;
pub(crate) mod http;
pub(crate) mod listening;
pub(crate) mod patience;
pub(crate) mod post;
mod protected;
mod response;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod stdio;
pub(crate) mod subscription;
pub(crate) mod unheard;

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use sandgate_message::{Era, Message, Shape, error_codes};
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::call::{Caller, Requester};
use crate::delivery::{Content, Delivery};
use crate::exchange::Exchange;
use crate::health::Status;
use crate::house::{House, Link};
use crate::ledger::{Full, InFlight};
use crate::merged::{Links, Merged};
use crate::registry::Edition;
use crate::upstream::{Asker, Server, ServerError, Transport};
use crate::{era, mcp_headers, reply, telling};
pub(crate) use session::{Backing, Session};
pub(crate) use sessions::Sessions;

/// Where a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/mcp`: all servers, their names before the names of their tools and prompts.
    Merged,
    /// `/mcp/NAME`: one server, as it is.
    Server(Arc<str>),
}

/// What stands between the transports and the exchange.
pub(crate) struct Front {
    pub(crate) house: Arc<House>,
    pub(crate) admission: Admission,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) status: Status,
    /// The gateway is to stop: streams that would never end do so now.
    pub(crate) draining: CancellationToken,
}

impl Front {
    /// A message that stands by itself.
    pub(crate) async fn modern(
        &self,
        requester: &Requester,
        endpoint: &Endpoint,
        message: Message,
        headers: &HeaderMap,
    ) -> Delivery {
        if message.method() == Some("notifications/cancelled") {
            // What is under way by that id may be another client's: over HTTP the end of the stream cancels, on a line
            // the transport has looked for the request among this client's own.
            return Delivery::accepted();
        }
        let edition = self.house.registry.current();
        let caller = Caller::of_request(requester, &message);
        let listens = matches!(message.shape(), Shape::Request { method, .. } if &**method == subscription::LISTEN);
        let name = match endpoint {
            Endpoint::Server(name) => name,
            Endpoint::Merged => {
                let merged = Merged::stateless(self.house.clone(), edition.clone(), caller);
                if !listens {
                    return merged.receive(message, headers).await;
                }
                let delivery = merged.receive(message.clone(), headers).await;
                return self.subscribed(&edition, None, &message, delivery);
            }
        };
        let Some(server) = edition.server(name) else {
            return no_server(name);
        };
        let asker = Asker::new(requester.principal.name.as_ref(), headers);
        let budget = &requester.budget;
        let conversation = server.converse_for(Era::Modern, &asker, budget).await;
        if let Err(error @ ServerError::WrongEra { .. }) = &conversation {
            return legacy_only(error);
        }
        let link = Link::new(server.clone(), conversation);
        let exchange = Exchange {
            house: self.house.clone(),
            caller,
            link,
            ledger: None,
            claims: None,
        };
        match message.shape() {
            Shape::Request { .. } if listens => {
                let delivery = exchange.ask(&edition, message.clone(), headers, None).await;
                self.subscribed(&edition, Some(server.clone()), &message, delivery)
            }
            Shape::Request { .. } => exchange.ask(&edition, message, headers, None).await,
            _ => exchange.tell(&edition, message, headers).await,
        }
    }

    fn subscribed(
        &self,
        edition: &Arc<Edition>,
        server: Option<Arc<Server>>,
        request: &Message,
        delivery: Delivery,
    ) -> Delivery {
        let (house, draining) = (&self.house, &self.draining);
        subscription::kept(house, edition, server, request, draining, delivery)
    }

    /// An `initialize`: a session begins, if the server agrees. It is not in the table of sessions yet.
    pub(crate) async fn open(
        &self,
        requester: &Requester,
        endpoint: &Endpoint,
        message: Message,
        headers: &HeaderMap,
    ) -> (Delivery, Option<Arc<Session>>) {
        let Some(ground) = self.sessions.begin(endpoint.clone(), requester) else {
            return (
                reply::busy(message.id(), "too many sessions: try again later"),
                None,
            );
        };
        let edition = self.house.registry.current();
        let params = message.payload().clone();
        let caller = Caller::of_initialize(requester, &params, None, ground.pseudonym.clone());
        let (delivery, backing) = match endpoint {
            Endpoint::Server(name) => {
                let Some(server) = edition.server(name) else {
                    return (no_server(name), None);
                };
                let asker = Asker::new(requester.principal.name.as_ref(), headers);
                let budget = &requester.budget;
                let conversation = server.converse_for(Era::Legacy, &asker, budget).await;
                let link = Link::new(server.clone(), conversation);
                let exchange = ground.exchange(&self.house, caller, link.clone());
                (
                    exchange.ask(&edition, message, headers, None).await,
                    Backing::One(link),
                )
            }
            Endpoint::Merged => {
                let links = Links::new(self.house.clone(), &ground, caller, message.clone());
                let merged = Merged::of_session(edition, links.clone());
                (merged.receive(message, headers).await, Backing::Many(links))
            }
        };
        let (begun, agreed) = match &delivery.content {
            Content::Message(reply) => {
                let version = reply
                    .payload()
                    .root()
                    .get("protocolVersion")
                    .and_then(|version| version.string());
                (!reply.failed(), version.map(std::borrow::Cow::into_owned))
            }
            Content::Stream(_) => (true, None),
            Content::Empty | Content::Raw(_) => (false, None),
        };
        let introduced = match &backing {
            Backing::One(link) => link.introduction().unwrap_or(&params),
            // Each server's way to the client has its own.
            Backing::Many(_) => &params,
        };
        let caller = Caller::of_initialize(requester, introduced, agreed, ground.pseudonym.clone());
        let session = ground.session(caller, backing);
        if !begun {
            session.end().await;
            return (delivery, None);
        }
        (delivery, Some(Arc::new(session)))
    }

    /// A message of an open session.
    pub(crate) async fn within(
        &self,
        session: &Arc<Session>,
        message: Message,
        headers: &HeaderMap,
    ) -> Delivery {
        session.touch();
        let edition = self.house.registry.current();
        if !session.stands(&edition) {
            self.sessions.forget(session);
            session.retire();
            return reply::no_session(message.method().and_then(|_| message.id()));
        }
        let in_flight = match message.shape() {
            Shape::Result { .. } | Shape::Error { .. } => {
                return telling::answer(&self.house, session.ledger(), message, headers).await;
            }
            Shape::Notification { .. } => None,
            Shape::Request { id, .. } => match session.ledger().begin(id) {
                Ok(in_flight) => Some(in_flight),
                Err(full @ Full::IdInUse) => {
                    return reply::bad_request(Some(id), &full.to_string());
                }
                Err(full @ Full::TooMany) => return reply::busy(Some(id), &full.to_string()),
            },
        };
        let delivery = match session.backing() {
            Backing::One(link) => {
                let exchange = session.exchange(&self.house, link.clone());
                match message.shape() {
                    Shape::Request { .. } => exchange.ask(&edition, message, headers, None).await,
                    _ => exchange.tell(&edition, message, headers).await,
                }
            }
            Backing::Many(links) => {
                Merged::of_session(edition, links.clone())
                    .receive(message, headers)
                    .await
            }
        };
        holding(delivery, in_flight, session)
    }

    /// What the session's servers say unasked, and the gateway's own notices. `always`: also where the server has no such
    /// stream.
    pub(crate) async fn listen(
        &self,
        session: &Arc<Session>,
        headers: &HeaderMap,
        always: bool,
    ) -> Delivery {
        session.touch();
        if !session.stands(&self.house.registry.current()) {
            self.sessions.forget(session);
            session.retire();
            return reply::no_session(None);
        }
        listening::listen(self, session, headers, always).await
    }

    /// The client ends its session.
    pub(crate) async fn close(&self, session: &Arc<Session>) {
        self.sessions.forget(session);
        session.end().await;
    }

    /// Of a message that came by HTTP: its era, or what is wrong with its headers.
    pub(crate) fn classify(message: &Message, headers: &HeaderMap) -> Result<Era, Box<Delivery>> {
        let refusal = |code, text: String| {
            let id = message.id().filter(|_| message.method().is_some());
            Box::new(reply::error(StatusCode::BAD_REQUEST, id, code, &text))
        };
        let mismatch = |text: String| {
            refusal(
                error_codes::HEADER_MISMATCH,
                format!("header mismatch: {text}"),
            )
        };
        let era = era::of_http(message, headers).map_err(|disagreement| match disagreement {
            // Nothing disagrees: what every modern request must say is missing.
            era::Disagreement::NoBody(_) => {
                refusal(error_codes::INVALID_PARAMS, disagreement.to_string())
            }
            _ => mismatch(disagreement.to_string()),
        })?;
        if era == Era::Modern {
            mcp_headers::check(message, headers)
                .map_err(|disagreement| mismatch(disagreement.to_string()))?;
        }
        Ok(era)
    }

    /// In a session whose server is no HTTP server, the gateway is the one who judges the version header.
    pub(crate) fn version_served(session: &Session, headers: &HeaderMap) -> bool {
        let judged_there = matches!(session.backing(), Backing::One(link) if matches!(link.server.config().transport, Transport::Http { .. }));
        let version = headers
            .get(era::VERSION_HEADER)
            .map(|value| value.to_str().unwrap_or_default());
        judged_there || version.is_none_or(|version| era::LEGACY.contains(&version))
    }
}

/// The request is under way until its stream has ended; until then the session is not idle.
fn holding(
    mut delivery: Delivery,
    in_flight: Option<InFlight>,
    session: &Arc<Session>,
) -> Delivery {
    if let Content::Stream(flow) = delivery.content {
        let session = session.clone();
        delivery.content = Content::Stream(Box::pin(flow.inspect(move |_| {
            // Named, so that it is kept for as long as the stream.
            let _ = &in_flight;
            session.touch();
        })));
    }
    delivery
}

fn no_server(name: &str) -> Delivery {
    Delivery::text(StatusCode::NOT_FOUND, format!("no server {name:?} here\n"))
}

/// Plain text: a JSON-RPC error would look as if the server were modern.
pub(crate) fn legacy_only(error: &ServerError) -> Delivery {
    Delivery::text(
        StatusCode::BAD_REQUEST,
        format!("{error}: begin with initialize\n"),
    )
}
