//! Client messages that expect no reply: notifications, and replies to servers' requests.

use std::pin::pin;

use crate::call::admit::Incoming;
use http::{HeaderMap, StatusCode};
use sandgate_message::{Direction, Id, Message};
use sandgate_observe::Decision;

use crate::call::error_reply;
use crate::call::pending::{PendingRequests, ServerRequest};
use crate::call::proxy::Proxy;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::nested;
use crate::registry::Edition;
use crate::shared::Shared;
use sandgate_upstream::{Answer, ServerError};

impl Proxy {
    /// Proxies a client's notification.
    pub(crate) async fn notify(
        &self,
        edition: &Edition,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let incoming = Incoming {
            message,
            direction: Direction::ClientToServer,
            headers,
            alias: None,
        };
        let admitted = match self.receive(edition, incoming).await {
            Ok(described) => self.admit(edition, described).await,
            Err(refused) => Err(refused),
        };
        let in_flight = match admitted {
            Ok(in_flight) => in_flight,
            Err(refused) => return refused.acknowledgement(),
        };
        let traced = in_flight.arrival().renew(headers);
        let headers = traced.as_ref().unwrap_or(headers);
        let sent = {
            let sends = pin!(self.conn.send(in_flight.message(), headers));
            self.unless_stopped(&in_flight, sends).await
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(stopped) => {
                stopped.end(in_flight);
                return ClientResponse::accepted();
            }
        };
        let decision = match answer {
            Ok(_) => Decision::Forwarded,
            Err(_) => Decision::Failed,
        };
        // A notification has no reply that a missing record could withhold.
        let _ = in_flight.end(decision, None);
        acknowledgement(answer)
    }
}

/// Forwards the client's reply to the server whose request it answers.
pub(crate) async fn answer(
    shared: &Shared,
    pending: &PendingRequests,
    message: Message,
    headers: &HeaderMap,
) -> ClientResponse {
    let Some(request) = message.id().and_then(|id| pending.answered(id)) else {
        return error_reply::bad_request(None, "no server waits for a reply with this id");
    };
    let ServerRequest {
        in_flight,
        conn,
        id,
        ..
    } = request;
    let reply = nested::leave(
        &shared.nested,
        Some(&conn),
        in_flight,
        message,
        Decision::Forwarded,
    )
    .await;
    match reply.message {
        Some(reply) => acknowledgement(conn.send(&restamped(reply, &id), headers).await),
        None => ClientResponse::accepted(),
    }
}

/// The HTTP response to a message that needs no reply.
fn acknowledgement(answer: Result<Answer, ServerError>) -> ClientResponse {
    match answer {
        Ok(answer) if answer.status.is_success() => ClientResponse {
            headers: answer.headers,
            ..ClientResponse::accepted()
        },
        Ok(answer) => ClientResponse {
            headers: answer.headers,
            ..ClientResponse::new(answer.status, ClientResponseBody::Empty)
        },
        Err(error) => {
            tracing::warn!("{}", error.detail());
            ClientResponse::text(StatusCode::BAD_GATEWAY, format!("{error}\n"))
        }
    }
}

/// Replaces the message's id: the client and the server may know a request by different ids.
pub(crate) fn restamped(message: Message, id: &Id) -> Message {
    if message.id() == Some(id) {
        message
    } else {
        message.with_id(id)
    }
}
