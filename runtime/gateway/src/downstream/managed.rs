//! Values that the gateway keeps, in what clients say: judged before anything else reads the message, so that none gets
//! into a log, a recording, a trace or a server.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, StatusCode, header};
use sandgate_access::Endpoint;
use sandgate_message::{Call, Message, Method, error_codes};

use super::Router;
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::response::ClientResponse;
use sandgate_observe::{RefusedBy, new_id};

/// The code under which a refused message is recorded.
const CODE: &str = "secrets.value";

/// Lets a message pass that holds no value. In a reply to a server's request, which waits for it, a mark takes the value's
/// place.
///
/// # Errors
///
/// The message holds a value, or too many before it did. The response says neither which value nor where.
pub(super) fn judge(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    message: Message,
    headers: &HeaderMap,
) -> Result<Message, Box<ClientResponse>> {
    let redactor = &router.shared.config.redactor;
    if redactor.is_idle() {
        return Ok(message);
    }
    let (account, now) = (requester.budget.account(), Instant::now());
    let id = message.id().filter(|_| message.method().is_some());
    if id.is_some() && router.admission.guesses.are_too_many(account, now) {
        let text = "too many messages were refused: try again in a minute";
        return Err(Box::new(error_reply::busy(id, text)));
    }
    let bytes = message.bytes();
    let clean = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| redactor.json(text));
    // A client's own credentials go to the gateway, or to the one server that asked for them.
    let own = [header::AUTHORIZATION, header::COOKIE, header::HOST];
    let in_headers = headers
        .iter()
        .any(|(name, value)| !own.contains(name) && redactor.finds(value.as_bytes()));
    if clean.is_none() && !in_headers {
        return Ok(message);
    }
    router.admission.guesses.count(account, now);
    tracing::warn!(client = %account, "a client's message holds a value that the gateway keeps; it does not go on");
    if message.method().is_none() {
        let mut limits = router.shared.config.limits;
        limits.bytes = limits.bytes.saturating_mul(2);
        let clean = clean.and_then(|clean| Message::parse(clean, &limits).ok());
        return clean.ok_or_else(|| Box::new(ClientResponse::accepted()));
    }
    let text = "The request was not sent: it holds a value that the gateway does not let through.";
    let reply = id.map(|id| Message::error(Some(id), error_codes::INVALID_PARAMS, text, None));
    // A method that nobody knows may be the value.
    let method = message.method().filter(|name| Method::new(name).is_known());
    let server = match endpoint {
        Endpoint::Server(name) => known(router, requester, name),
        Endpoint::Merged => "*".into(),
    };
    let call = Call {
        principal: requester.principal.name.clone(),
        account: account.clone(),
        groups: requester.principal.groups.clone(),
        ..Call::anonymous(new_id(), server, method.unwrap_or("unknown"))
    };
    let reply = reply.filter(|reply| !redactor.finds(&reply.bytes()));
    let rule = RefusedBy::of(CODE);
    let recorder = &router.shared.recorder;
    let arrival = recorder.nested_arrival(now);
    let rule = (Some(&rule), router.shared.registry.current().version());
    let reply = recorder.refused_by(rule, Arc::new(call), reply, bytes.len(), arrival);
    Err(Box::new(match reply {
        Some(reply) => ClientResponse::of(Some(reply)),
        None if id.is_some() => error_reply::error(
            StatusCode::BAD_REQUEST,
            None,
            error_codes::INVALID_PARAMS,
            text,
        ),
        None => ClientResponse::accepted(),
    }))
}

/// The endpoint's name, where it is a server's: what a client asks for may be anything.
fn known(router: &Router, requester: &Requester, name: &str) -> Arc<str> {
    let edition = router.shared.registry.current();
    let server = edition.server_for(requester.principal.viewer(), name);
    server.map_or_else(|| "*".into(), |server| server.name().clone())
}
