//! POST requests: reads, checks and dispatches the message.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::{Body, Incoming};
use sandgate_access::Endpoint;
use sandgate_message::{Era, JsonErrorKind, Message, MessageError, Shape, error_codes};

use super::http_rules::{SESSION, accepts, session, too_many_listeners, until_end_of_token};
use super::{Router, managed, scopes};
use crate::call::caller::{Caller, Requester};
use crate::call::error_reply;
use crate::call::response::ClientResponse;
use sandgate_wire::{Budget, CollectError, MemoryError, Permit, collect};

pub(super) async fn post(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> (ClientResponse, Option<Permit>) {
    let account = requester.budget.account();
    let Some(place) = router.admission.requests.take(account, 1) else {
        let text = "too many requests under way: try again when one has ended";
        return (error_reply::busy(None, text), None);
    };
    let message = match read(router, &requester.budget, headers, body).await {
        Ok(message) => message,
        Err(refusal) => return (*refusal, Some(place)),
    };
    if let Some(turned_away) = router.stopped(requester, endpoint, Some(&message)) {
        return (turned_away, Some(place));
    }
    let message = match managed::judge(router, requester, endpoint, message, headers) {
        Ok(message) => message,
        Err(refusal) => return (*refusal, Some(place)),
    };
    let response = match Router::classify(&message, headers) {
        Err(mismatch) => *mismatch,
        Ok(Era::Modern) => {
            let caller = || Caller::of_request(requester, &message);
            let asked = (&message, headers);
            if let Err(refusal) = scopes::check(router, requester, endpoint, asked, caller) {
                return (*refusal, Some(place));
            }
            if message.method() == Some("subscriptions/listen") {
                // A subscription lasts as long as the client likes, so it counts as a listener, not as a request.
                let Some(place) = router.admission.listeners.take(account, 1) else {
                    return (too_many_listeners(message.id()), Some(place));
                };
                let response = router.modern(requester, endpoint, message, headers).await;
                return (until_end_of_token(requester, response), Some(place));
            }
            router.modern(requester, endpoint, message, headers).await
        }
        Ok(Era::Legacy) => legacy(router, requester, endpoint, message, headers).await,
    };
    (response, Some(place))
}

async fn legacy(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    message: Message,
    headers: &HeaderMap,
) -> ClientResponse {
    if !headers.contains_key(SESSION) {
        if matches!(message.shape(), Shape::Request { method, .. } if &**method == "initialize") {
            if let Err(refusal) = scopes::baseline(router, requester) {
                return *refusal;
            }
            return begin(router, requester, endpoint, message, headers).await;
        }
        return error_reply::bad_request(
            request_id(&message),
            "no session: begin with initialize, then send its Mcp-Session-Id",
        );
    }
    let Some(session) = session(router, &requester.principal, endpoint, headers) else {
        return error_reply::no_session(request_id(&message));
    };
    if !Router::version_served(&session, headers) {
        return error_reply::bad_request(
            request_id(&message),
            "this MCP-Protocol-Version is not served here",
        );
    }
    let asked = (&message, headers);
    let caller = || session.caller().clone();
    if let Err(refusal) = scopes::check(router, requester, endpoint, asked, caller) {
        return *refusal;
    }
    router.within(&session, message, headers).await
}

async fn begin(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    message: Message,
    headers: &HeaderMap,
) -> ClientResponse {
    // Boxed because the future is large and runs once per session.
    let opening = Box::pin(router.open(requester, endpoint, message, headers));
    let (mut response, session) = opening.await;
    if let Some(session) = session {
        router.sessions.remember(&session);
        if let Ok(mut id) = HeaderValue::from_str(session.id()) {
            id.set_sensitive(true);
            response.headers.insert(SESSION, id);
        }
    }
    response
}

/// Reads and parses the body.
///
/// # Errors
///
/// The body or the headers are unacceptable; nothing has been forwarded.
async fn read(
    router: &Router,
    budget: &Budget,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Message, Box<ClientResponse>> {
    let limits = &router.shared.config.limits;
    let text = |status, text: &'static str| Err(Box::new(ClientResponse::text(status, text)));
    if !is_json(headers) {
        return text(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a message is application/json, in UTF-8, not encoded further\n",
        );
    }
    if !(accepts(headers, "application/json") && accepts(headers, "text/event-stream")) {
        return text(
            StatusCode::NOT_ACCEPTABLE,
            "Accept must list application/json and text/event-stream\n",
        );
    }
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(Box::new(too_large(limits.bytes)));
    }
    let whole = collect(body, limits.bytes, None, budget);
    let (bytes, mut permit) =
        match tokio::time::timeout(router.shared.config.body_timeout, whole).await {
            Ok(Ok(whole)) => whole,
            Ok(Err(CollectError::TooLarge)) => return Err(Box::new(too_large(limits.bytes))),
            Ok(Err(CollectError::Memory(error))) => return Err(no_memory(error)),
            Ok(Err(CollectError::Cut | CollectError::Silent)) => {
                return text(StatusCode::BAD_REQUEST, "the body broke off\n");
            }
            Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
        };
    let message =
        Message::parse(bytes, limits).map_err(|why| Box::new(unreadable(&why, limits.bytes)))?;
    if !permit.resize(message.memory()) {
        return Err(no_memory(MemoryError));
    }
    message.keep(permit);
    Ok(message)
}

fn no_memory(error: MemoryError) -> Box<ClientResponse> {
    Box::new(error_reply::busy(None, &error.to_string()))
}

fn unreadable(why: &MessageError, limit: usize) -> ClientResponse {
    match why {
        MessageError::Json(malformed) if matches!(malformed.trouble, JsonErrorKind::Size(_)) => {
            too_large(limit)
        }
        MessageError::Json(_) => error_reply::error(
            StatusCode::BAD_REQUEST,
            None,
            error_codes::PARSE,
            &why.to_string(),
        ),
        MessageError::Envelope(_) | MessageError::Batch => {
            error_reply::bad_request(None, &why.to_string())
        }
    }
}

fn too_large(limit: usize) -> ClientResponse {
    let text = format!("a message here has at most {limit} bytes");
    error_reply::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        None,
        error_codes::INVALID_REQUEST,
        &text,
    )
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else {
        return false;
    };
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let Ok(kind) = kind.to_str() else {
        return false;
    };
    let mut parts = kind.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    plain && json && utf8
}

/// The message's id if it is a request. An error must not carry the id of a reply, which is the id of a request to the
/// client.
fn request_id(message: &Message) -> Option<&sandgate_message::Id> {
    message.method().and_then(|_| message.id())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_plain_json_in_utf8_is_read() {
        let is = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            is_json(&headers)
        };
        assert!(
            is("application/json")
                && is("Application/JSON; charset=UTF-8")
                && is("application/json;charset=\"utf-8\"")
        );
        assert!(
            !is("text/plain")
                && !is("application/json; charset=utf-16")
                && !is("application/jsonp")
        );
        let mut headers = HeaderMap::new();
        assert!(!is_json(&headers));
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(!is_json(&headers));
    }
}
