//! The client side: handles a client's message, whatever transport it came by.

pub(crate) mod connection;
pub(crate) mod http;
pub(crate) mod http_rules;
pub(crate) mod listening;
mod managed;
pub(crate) mod new_session;
pub(crate) mod post;
mod protected;
mod response;
mod scopes;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod stdio;
pub(crate) mod stdio_client;
pub(crate) mod stopped;
pub(crate) mod subscription;
pub(crate) mod timeout_io;
pub(crate) mod unheard;

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use sandgate_access::{Endpoint, Principal};
use sandgate_message::{Era, Message, Shape, error_codes};
use tokio_util::sync::CancellationToken;

use crate::call::caller::{Caller, Requester};
use crate::call::error_reply;
use crate::call::from_client;
use crate::call::pending::{OpenRequest, PendingError};
use crate::call::proxy::Proxy;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::health::Status;
use crate::merged::{Links, Merged};
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_admission::Admission;
use sandgate_upstream::{Asker, Server, ServerError};
use sandgate_wire::era;
use sandgate_wire::header_mirror;
pub(crate) use session::{Backing, Session};
pub(crate) use sessions::Sessions;

/// Routes messages from the transports to servers and sessions.
pub(crate) struct Router {
    pub(crate) shared: Arc<Shared>,
    pub(crate) admission: Admission,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) status: Status,
    /// Cancelled when the gateway shuts down, which ends streams that would otherwise never end.
    pub(crate) draining: CancellationToken,
}

impl Router {
    /// Handles a modern message, which needs no session.
    pub(crate) async fn modern(
        &self,
        requester: &Requester,
        endpoint: &Endpoint,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        if message.method() == Some("notifications/cancelled") {
            // The id may be that of another client's request. Over HTTP a client cancels by closing the stream; on
            // stdio the transport has already looked for the request.
            return ClientResponse::accepted();
        }
        let edition = self.shared.registry.current();
        let caller = Caller::of_request(requester, &message);
        let listens = matches!(message.shape(), Shape::Request { method, .. } if &**method == crate::protocol::subscription::LISTEN);
        let name = match endpoint {
            Endpoint::Server(name) => name,
            Endpoint::Merged => {
                let merged = Merged::stateless(self.shared.clone(), edition.clone(), caller);
                // Boxed because the future is large, and a part of that of every call.
                let receive = |message| Box::pin(merged.receive(message, headers));
                if !listens {
                    return receive(message).await;
                }
                let response = receive(message.clone()).await;
                let client = requester.principal.clone();
                return self.subscribed(&edition, client, None, &message, response);
            }
        };
        let Some(server) = edition.server_for(requester.principal.viewer(), name) else {
            return no_server(name);
        };
        let asker = Asker::new(requester.principal.name.as_ref(), headers);
        let budget = &requester.budget;
        let conversation = server.converse_for(Era::Modern, &asker, budget).await;
        if let Err(error @ ServerError::WrongEra { .. }) = &conversation {
            return error_reply::legacy_only(error);
        }
        let conn = UpstreamConn::new(server.clone(), conversation);
        let proxy = Proxy {
            shared: self.shared.clone(),
            caller,
            conn,
            pending: None,
            claims: None,
        };
        match message.shape() {
            Shape::Request { .. } if listens => {
                let response = proxy
                    .request(&edition, message.clone(), headers, None)
                    .await;
                let client = requester.principal.clone();
                self.subscribed(&edition, client, Some(server.clone()), &message, response)
            }
            Shape::Request { .. } => proxy.request(&edition, message, headers, None).await,
            _ => proxy.notify(&edition, message, headers).await,
        }
    }

    fn subscribed(
        &self,
        edition: &Arc<Edition>,
        client: Arc<Principal>,
        server: Option<Arc<Server>>,
        request: &Message,
        response: ClientResponse,
    ) -> ClientResponse {
        let (shared, draining) = (&self.shared, &self.draining);
        subscription::kept(shared, edition, client, server, request, draining, response)
    }

    /// Handles an `initialize`: opens a session if the server agrees. The caller adds the session to the table.
    pub(crate) async fn open(
        &self,
        requester: &Requester,
        endpoint: &Endpoint,
        message: Message,
        headers: &HeaderMap,
    ) -> (ClientResponse, Option<Arc<Session>>) {
        let Some(start) = self.sessions.begin(endpoint.clone(), requester) else {
            return (
                error_reply::busy(message.id(), "too many sessions: try again later"),
                None,
            );
        };
        let edition = self.shared.registry.current();
        let params = message.payload().clone();
        let caller = Caller::of_initialize(requester, &params, None, start.pseudonym.clone());
        let (response, backing) = match endpoint {
            Endpoint::Server(name) => {
                let Some(server) = edition.server_for(requester.principal.viewer(), name) else {
                    return (no_server(name), None);
                };
                let asker = Asker::new(requester.principal.name.as_ref(), headers);
                let budget = &requester.budget;
                let conversation = server.converse_for(Era::Legacy, &asker, budget).await;
                let conn = UpstreamConn::new(server.clone(), conversation);
                let proxy = start.proxy(&self.shared, caller, conn.clone());
                (
                    proxy.request(&edition, message, headers, None).await,
                    Backing::One(conn),
                )
            }
            Endpoint::Merged => {
                let links = Links::new(self.shared.clone(), &start, caller, message.clone());
                let merged = Merged::of_session(edition, links.clone());
                (merged.receive(message, headers).await, Backing::Many(links))
            }
        };
        let (begun, agreed) = match &response.body {
            ClientResponseBody::Message(reply) => {
                let version = reply
                    .payload()
                    .root()
                    .get("protocolVersion")
                    .and_then(|version| version.string());
                (!reply.failed(), version.map(std::borrow::Cow::into_owned))
            }
            ClientResponseBody::Stream(_) => (true, None),
            ClientResponseBody::Empty | ClientResponseBody::Raw(_) => (false, None),
        };
        let introduced = match &backing {
            Backing::One(conn) => conn.introduction().unwrap_or(&params),
            // Each server's conversation has its own `initialize` params.
            Backing::Many(_) => &params,
        };
        let caller = Caller::of_initialize(requester, introduced, agreed, start.pseudonym.clone());
        let session = Session::new(start, caller, backing);
        if !begun {
            session.end().await;
            return (response, None);
        }
        (response, Some(Arc::new(session)))
    }

    /// Handles a message of an open session.
    pub(crate) async fn within(
        &self,
        session: &Arc<Session>,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        session.touch();
        let edition = self.shared.registry.current();
        if !session.stands(&edition) {
            self.sessions.forget(session);
            session.retire();
            return error_reply::no_session(message.method().and_then(|_| message.id()));
        }
        let in_flight = match message.shape() {
            Shape::Result { .. } | Shape::Error { .. } => {
                return from_client::answer(&self.shared, session.pending(), message, headers)
                    .await;
            }
            Shape::Notification { .. } => None,
            Shape::Request { id, .. } => match session.pending().begin(id) {
                Ok(in_flight) => Some(in_flight),
                Err(full @ PendingError::IdInUse) => {
                    return error_reply::bad_request(Some(id), &full.to_string());
                }
                Err(full @ PendingError::TooMany) => {
                    return error_reply::busy(Some(id), &full.to_string());
                }
            },
        };
        let response = match session.backing() {
            Backing::One(conn) => {
                let proxy = session.proxy(&self.shared, conn.clone());
                match message.shape() {
                    Shape::Request { .. } => proxy.request(&edition, message, headers, None).await,
                    _ => proxy.notify(&edition, message, headers).await,
                }
            }
            Backing::Many(links) => {
                let merged = Merged::of_session(edition, links.clone());
                Box::pin(merged.receive(message, headers)).await
            }
        };
        holding(response, in_flight, session)
    }

    /// Opens the listening stream of a session, with the servers' own messages and the gateway's notifications. With
    /// `always`, the stream exists even if the server offers none.
    pub(crate) async fn listen(
        &self,
        session: &Arc<Session>,
        headers: &HeaderMap,
        always: bool,
    ) -> ClientResponse {
        session.touch();
        if !session.stands(&self.shared.registry.current()) {
            self.sessions.forget(session);
            session.retire();
            return error_reply::no_session(None);
        }
        listening::listen(self, session, headers, always).await
    }

    /// Ends a session at the client's request.
    pub(crate) async fn close(&self, session: &Arc<Session>) {
        self.sessions.forget(session);
        session.end().await;
    }

    /// The era of an HTTP message.
    ///
    /// # Errors
    ///
    /// The headers contradict the message, or a required header or `_meta` member is missing.
    pub(crate) fn classify(
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Era, Box<ClientResponse>> {
        let refusal = |code, text: String| {
            let id = message.id().filter(|_| message.method().is_some());
            Box::new(error_reply::error(StatusCode::BAD_REQUEST, id, code, &text))
        };
        let mismatch = |text: String| {
            refusal(
                error_codes::HEADER_MISMATCH,
                format!("header mismatch: {text}"),
            )
        };
        let era = era::of_http(message, headers).map_err(|disagreement| match disagreement {
            // Nothing contradicts: a member that every modern request must have is missing.
            era::EraMismatchError::NoBody(_) => {
                refusal(error_codes::INVALID_PARAMS, disagreement.to_string())
            }
            _ => mismatch(disagreement.to_string()),
        })?;
        if era == Era::Modern {
            header_mirror::check(message, headers).map_err(|error| mismatch(error.to_string()))?;
        }
        Ok(era)
    }

    /// Whether the version header of a session's request is acceptable. A server that checks the header itself decides;
    /// for any other the gateway does.
    pub(crate) fn version_served(session: &Session, headers: &HeaderMap) -> bool {
        let judged_there = matches!(session.backing(), Backing::One(conn) if conn.server.transport().judges_version());
        let version = headers
            .get(era::VERSION_HEADER)
            .map(|value| value.to_str().unwrap_or_default());
        judged_there || version.is_none_or(|version| era::LEGACY.contains(&version))
    }
}

/// Keeps the request in flight, and its session from becoming idle, until its stream has ended.
fn holding(
    mut response: ClientResponse,
    in_flight: Option<OpenRequest>,
    session: &Arc<Session>,
) -> ClientResponse {
    if let ClientResponseBody::Stream(stream) = response.body {
        let session = session.clone();
        response.body = ClientResponseBody::Stream(Box::pin(stream.inspect(move |_| {
            // Captured, so that the request stays in flight as long as the stream.
            let _ = &in_flight;
            session.touch();
        })));
    }
    response
}

fn no_server(name: &str) -> ClientResponse {
    ClientResponse::text(StatusCode::NOT_FOUND, format!("no server {name:?} here\n"))
}
