//! A client's request, from start to end: [`Proxy::request`]. The request and its reply pass the interceptors of the
//! edition that was current when the request arrived.

use std::pin::pin;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Direction, Era, Id, Message};
use tracing::Instrument;

use crate::call::admit::{Described, Incoming};
use crate::call::error_reply;
use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::call::relay::Relay;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::call::stop::Stopped;
use crate::registry::Edition;
use sandgate_observe::Decision;
use sandgate_upstream::{Answer, Body, ServerError};

impl Proxy {
    /// Proxies a client's request. `alias` is the client's name for the target, where it differs from the server's.
    /// Dropping the future, or the stream in the response, means that the client went away: the server is told, and the
    /// call is recorded as cancelled. A request is sent at most once, since it may not be safe to repeat.
    pub(crate) async fn request(
        &self,
        edition: &Arc<Edition>,
        message: Message,
        headers: &HeaderMap,
        alias: Option<Arc<str>>,
    ) -> ClientResponse {
        let incoming = Incoming {
            message,
            direction: Direction::ClientToServer,
            headers,
            alias,
        };
        let described = match self.receive(edition, incoming).await {
            Ok(described) => described,
            Err(refused) => return refused.response(self.caller.era),
        };
        let call = &described.call;
        // The method is client input: `?` escapes it, so that it cannot forge log lines. The target is left out, since
        // a policy may mask it.
        let span = tracing::info_span!("call", id = %call.id, method = ?call.method, server = %call.server);
        // Boxed: many futures hold this one, which is large.
        Box::pin(self.pass(edition, described, headers))
            .instrument(span)
            .await
    }

    async fn pass(
        &self,
        edition: &Arc<Edition>,
        described: Described,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let received = described.message.bytes();
        let mut in_flight = match self.admit(edition, described).await {
            Ok(in_flight) => in_flight,
            Err(refused) => return refused.response(self.caller.era),
        };
        self.note_request(in_flight.message());
        if let Some(answer) = in_flight.take_answer() {
            let reply = self.finish(edition, in_flight, answer, Decision::Answered);
            return ClientResponse::of(reply.await.message);
        }
        let sent = {
            let sends = pin!(self.forward(edition, &in_flight, &received, headers));
            self.unless_stopped(&in_flight, sends).await
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(stopped) => return self.given_up(in_flight, stopped).await,
        };
        // What a stopped server has said meanwhile is not passed on.
        if let Some(rule) = self.meets(&self.shared.registry.current(), &in_flight) {
            let stopped = Stopped::at_the_server(rule);
            return self.given_up(in_flight, stopped).await;
        }
        self.respond(edition, in_flight, answer).await
    }

    async fn given_up(&self, in_flight: InFlight, stopped: Stopped) -> ClientResponse {
        let Some(id) = in_flight.message().id().cloned() else {
            stopped.end(in_flight);
            return ClientResponse::accepted();
        };
        // Boxed because the future is large and rarely runs.
        ClientResponse::of(Box::pin(self.end_stopped(in_flight, &id, stopped)).await)
    }

    async fn forward(
        &self,
        edition: &Edition,
        in_flight: &InFlight,
        received: &[u8],
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let conversation = self.conn.conversation.clone()?;
        let renewed = self
            .renewed_headers(edition, in_flight, received, headers)
            .await;
        conversation
            .request(in_flight.message(), renewed.as_ref().unwrap_or(headers))
            .await
    }

    /// Turns the server's answer into the client's response.
    async fn respond(
        &self,
        edition: &Arc<Edition>,
        in_flight: InFlight,
        answer: Result<Answer, ServerError>,
    ) -> ClientResponse {
        let Some(id) = in_flight.message().id().cloned() else {
            return ClientResponse::accepted();
        };
        let (status, headers, body) = match answer {
            Ok(answer) => (answer.status, answer.headers, answer.body),
            Err(error) => return Box::pin(self.unanswered(in_flight, &id, &error)).await,
        };
        match body {
            Body::Message(reply) if reply.method().is_none() => {
                // Stdio has no status: use the one that a modern HTTP server gives such an error.
                let has_status = self.conn.server.transport().has_status();
                let status = match self.caller.era {
                    Era::Modern if !has_status => error_reply::modern_status(&reply),
                    _ => status,
                };
                let reply = self
                    .finish(edition, in_flight, reply, Decision::Forwarded)
                    .await;
                match (reply.message, reply.withheld) {
                    // A refusal gets status 200: a 4xx would send clients back to `initialize`.
                    (message, true) => ClientResponse::of(message),
                    (Some(message), false) => ClientResponse {
                        status,
                        headers,
                        body: ClientResponseBody::Message(message),
                    },
                    (None, false) => ClientResponse::accepted(),
                }
            }
            Body::Stream(events) => ClientResponse {
                status,
                headers,
                body: ClientResponseBody::Stream(
                    Relay::new(self, edition.clone(), events, id, in_flight).into_stream(),
                ),
            },
            Body::Empty if !status.is_success() => refused(in_flight, &id, status, headers),
            Body::Message(_) | Body::Empty => {
                let what = format!("status {status} and nothing that answers the request");
                let text = error_reply::no_reply(&id, in_flight.call(), &what);
                ClientResponse::of(Box::pin(self.failed(in_flight, text)).await)
            }
        }
    }

    async fn unanswered(
        &self,
        in_flight: InFlight,
        id: &Id,
        error: &ServerError,
    ) -> ClientResponse {
        let call = in_flight.call().clone();
        tracing::warn!(server = %call.server, method = ?call.method, "{}", error.detail());
        self.conn.note(error);
        let reply = error_reply::server_error(id, &call, error);
        let mut response = ClientResponse::of(self.failed(in_flight, reply).await);
        if matches!(error, ServerError::SessionGone { .. }) {
            // A 404 makes a client initialize again.
            response.status = StatusCode::NOT_FOUND;
        }
        response
    }

    /// Tells the connection and the name claims about a request, as every interceptor left it.
    fn note_request(&self, request: &Message) {
        self.conn.note_request(request);
        if let Some(claims) = &self.claims {
            claims.goes(request, self.conn.server.name());
        }
    }
}

/// The response where the server refused with a body that is not JSON-RPC. The client needs the status, as a legacy
/// server refuses a modern probe this way, and the headers that say what to do. The body is dropped, since no
/// interceptor saw it.
fn refused(in_flight: InFlight, id: &Id, status: StatusCode, headers: HeaderMap) -> ClientResponse {
    let call = in_flight.call().clone();
    if in_flight.end(Decision::Failed, Some(0)).is_err() {
        return ClientResponse::message(error_reply::unwritten(id, &call, true));
    }
    let text = "the server refused the request; its words are withheld: they are no JSON-RPC error that answers it\n";
    ClientResponse {
        headers,
        ..ClientResponse::text(status, text)
    }
}
