//! A request's whole way on one screen: [`Proxy::request`]. The request goes in, its reply comes out, both through the
//! interceptors that were in force when the request was received.

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
use crate::observe::call_log::Decision;
use crate::registry::Edition;
use sandgate_upstream::{Answer, Body, ServerError};

impl Proxy {
    /// Proxies a client's request. `alias` is the client's name for the target, where it differs. Dropping the future, or
    /// the stream in the response, is the client going away: the server is told, and the record says so. A request is
    /// sent once: nobody knows whether it may be repeated.
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
        // The method is the client's own text: escaped, so that it cannot write lines of its making. No target: a URI may
        // be what a policy masks.
        let span = tracing::info_span!("call", id = %call.id, method = ?call.method, server = %call.server);
        self.exchange(edition, described, headers)
            .instrument(span)
            .await
    }

    async fn exchange(
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
        let answer = self.forward(edition, &in_flight, &received, headers).await;
        self.respond(edition, in_flight, answer).await
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

    /// The server's answer, on its way to the client.
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
                // On stdio there is no status: the one that a modern server has for such an error.
                let has_status = self.conn.server.transport().has_status();
                let status = match self.caller.era {
                    Era::Modern if !has_status => error_reply::modern_status(&reply),
                    _ => status,
                };
                let reply = self
                    .finish(edition, in_flight, reply, Decision::Forwarded)
                    .await;
                match (reply.message, reply.withheld) {
                    // A refusal is an answer: a 4xx would send clients back to `initialize`.
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
            // What makes a client initialize again.
            response.status = StatusCode::NOT_FOUND;
        }
        response
    }

    /// A request goes on to the server as every interceptor left it.
    fn note_request(&self, request: &Message) {
        self.conn.note_request(request);
        if let Some(claims) = &self.claims {
            claims.goes(request, self.conn.server.name());
        }
    }
}

/// The server refused the request in words that are no error of JSON-RPC. The client needs the status (a legacy server
/// refuses a modern probe so), and the headers that say what to do about it; the words have passed no interceptor.
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
