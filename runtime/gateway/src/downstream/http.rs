//! HTTP towards clients: routes, and answers as responses.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use sandgate_message::Id;

use super::{Endpoint, Front, Session, post, protected};
use crate::access::host_of;
use crate::challenge;
use crate::clients::{Principal, Unknown};
use crate::delivery::{Content, Delivery};
use crate::reply;

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// How a connection came.
#[derive(Clone, Copy)]
pub(crate) struct Arrived {
    /// The address at which it arrived.
    pub(crate) at: SocketAddr,
    /// By TLS, which ended here.
    pub(crate) https: bool,
}

/// Answers one request.
pub(crate) async fn handle(
    front: Arc<Front>,
    arrived: Arrived,
    mut request: Request<Incoming>,
) -> Response<ResponseBody> {
    let path = request.uri().path();
    if path == "/healthz" {
        return respond(Delivery::text(StatusCode::OK, "ok\n"));
    }
    if let Err(denied) =
        front
            .house
            .config
            .access
            .check(request.uri(), request.headers(), arrived.at)
    {
        tracing::warn!(host = ?request.headers().get(http::header::HOST), origin = ?request.headers().get(http::header::ORIGIN), "{denied}");
        return respond(Delivery::text(StatusCode::FORBIDDEN, format!("{denied}\n")));
    }
    let edition = front.house.registry.current();
    let endpoint = match path {
        "/readyz" => {
            return respond(
                front
                    .status
                    .readiness(&edition, front.draining.is_cancelled()),
            );
        }
        "/mcp" => Endpoint::Merged,
        _ => match path.strip_prefix("/mcp/") {
            Some(name) => Endpoint::Server(name.into()),
            None => {
                let own = address(&front, arrived, &request);
                return respond(protected::resource(&edition, request.method(), path, &own).await);
            }
        },
    };
    // Before anything is said of what is served.
    let principal = match edition.clients().admit(request.headers()) {
        Ok(principal) => principal,
        Err(unknown) => {
            tracing::warn!("turned away: {unknown}");
            return respond(unauthorised(unknown));
        }
    };
    let mut forwards = false;
    if let Endpoint::Server(name) = &endpoint {
        match edition.server(name) {
            Some(server) => forwards = server.config().forward_authorization,
            None => return respond(nothing_here()),
        }
    }
    let mut challenges = None;
    if forwards && edition.clients().is_open() {
        if request.headers().get_all(AUTHORIZATION).iter().count() > 1 {
            let text = "more than one Authorization: it is not clear which is meant\n";
            return respond(Delivery::text(StatusCode::BAD_REQUEST, text));
        }
        let own = address(&front, arrived, &request);
        challenges = protected::metadata_url(&endpoint, &own);
    } else {
        // It was given to the gateway: nobody behind this door gets to see it.
        request.headers_mut().remove(AUTHORIZATION);
    }
    drop(edition);
    let mut delivery = match *request.method() {
        Method::POST => post::post(&front, &principal, &endpoint, request).await,
        Method::GET => get(&front, &principal, &endpoint, request.headers()).await,
        Method::DELETE => delete(&front, &principal, &endpoint, request.headers()).await,
        _ => not_allowed(),
    };
    challenge::reword(&mut delivery.headers, challenges.as_deref());
    // A stream ends with the client's being known here.
    respond(delivery.until(principal.over()))
}

/// The gateway's own address, as the client knows it.
fn address(front: &Front, arrived: Arrived, request: &Request<Incoming>) -> String {
    if let Some(url) = &front.house.config.public_url {
        return url.clone();
    }
    let scheme = if arrived.https { "https" } else { "http" };
    // It was checked against what is served here.
    let host = host_of(request.uri(), request.headers()).unwrap_or_default();
    format!("{scheme}://{host}")
}

pub(super) fn nothing_here() -> Delivery {
    Delivery::text(
        StatusCode::NOT_FOUND,
        "nothing here: an MCP server is at /mcp/NAME, all of them are at /mcp\n",
    )
}

fn unauthorised(unknown: Unknown) -> Delivery {
    let mut delivery = Delivery::text(StatusCode::UNAUTHORIZED, format!("{unknown}\n"));
    let challenge = HeaderValue::from_static("Bearer");
    delivery.headers.insert(WWW_AUTHENTICATE, challenge);
    delivery
}

async fn get(
    front: &Front,
    principal: &Arc<Principal>,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Delivery {
    // Before 2025-03-26 and after 2025-11-25 there is no such stream; both sorts of client know this status.
    if !headers.contains_key(SESSION) {
        return not_allowed();
    }
    if !accepts(headers, "text/event-stream") {
        return Delivery::text(
            StatusCode::NOT_ACCEPTABLE,
            "a GET is answered by text/event-stream: say so in Accept\n",
        );
    }
    let Some(session) = session(front, principal, endpoint, headers) else {
        return reply::no_session(None);
    };
    let Some(place) = principal.listen(front.house.config.max_listeners) else {
        return too_many_listeners(None);
    };
    front.listen(&session, headers, false).await.keeping(place)
}

/// As many streams as one client may listen on.
pub(super) fn too_many_listeners(id: Option<&Id>) -> Delivery {
    let text = "this client listens on as many streams as it may: close one first";
    reply::busy(id, text)
}

async fn delete(
    front: &Front,
    principal: &Arc<Principal>,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Delivery {
    if !headers.contains_key(SESSION) {
        return not_allowed();
    }
    match session(front, principal, endpoint, headers) {
        Some(session) => {
            front.close(&session).await;
            Delivery::new(StatusCode::OK, Content::Empty)
        }
        None => reply::no_session(None),
    }
}

/// The session that the client names; none where there is none of its own of that name at this endpoint.
pub(super) fn session(
    front: &Front,
    principal: &Arc<Principal>,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Option<Arc<Session>> {
    let mut ids = headers.get_all(SESSION).iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => front.sessions.find(id.to_str().ok()?, endpoint, principal),
        _ => None,
    }
}

/// Whether a media type may be answered with. A client that says nothing takes anything.
pub(crate) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    let wanted = wanted.as_bytes();
    let kind = wanted.split(|&b| b == b'/').next().unwrap_or_default();
    let values = headers.get_all(ACCEPT).iter();
    values
        .flat_map(|value| value.as_bytes().split(|&b| b == b','))
        .any(|range| {
            let mut parts = range.split(|&b| b == b';').map(<[u8]>::trim_ascii);
            let range = parts.next().unwrap_or_default();
            let fits = range.eq_ignore_ascii_case(wanted)
                || range == b"*/*"
                || range
                    .strip_suffix(b"/*")
                    .is_some_and(|k| k.eq_ignore_ascii_case(kind));
            fits && !parts.any(|parameter| {
                let written = |weight: &[u8]| {
                    let said = parameter.iter().filter(|&&b| b != b' ');
                    said.map(u8::to_ascii_lowercase).eq(weight.iter().copied())
                };
                [&b"q=0"[..], b"q=0.0", b"q=0.00", b"q=0.000"]
                    .into_iter()
                    .any(written)
            })
        })
}

fn not_allowed() -> Delivery {
    let mut delivery = Delivery::text(
        StatusCode::METHOD_NOT_ALLOWED,
        "not here: POST a message; GET and DELETE are for sessions\n",
    );
    delivery
        .headers
        .insert(ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
    delivery
}

fn respond(delivery: Delivery) -> Response<ResponseBody> {
    let Delivery {
        status,
        headers,
        content,
    } = delivery;
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    let body = match content {
        Content::Empty => {
            headers.remove(CONTENT_TYPE);
            Empty::new().boxed_unsync()
        }
        Content::Raw(text) => {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
            Full::new(text).boxed_unsync()
        }
        Content::Message(message) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Full::new(message.bytes()).boxed_unsync()
        }
        Content::Stream(flow) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-cache"));
            headers
                .entry(NO_BUFFERING)
                .or_insert(HeaderValue::from_static("no"));
            let events = flow.map(|arrival| {
                let mut event = BytesMut::new();
                arrival.write_sse(&mut event);
                Ok(Frame::data(event.freeze()))
            });
            StreamBody::new(events).boxed_unsync()
        }
    };
    response.map(|()| body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn accept(value: &str, wanted: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, value.parse().unwrap());
        accepts(&headers, wanted)
    }

    #[test]
    fn accept_is_read_as_http_has_it() {
        assert!(accepts(&HeaderMap::new(), "application/json"));
        assert!(accept(
            "application/json, text/event-stream",
            "text/event-stream"
        ));
        assert!(accept("Application/JSON;q=0.5", "application/json"));
        assert!(accept("*/*", "text/event-stream"));
        assert!(accept("text/*", "text/event-stream"));
        assert!(!accept("text/html", "application/json"));
        assert!(!accept("application/json;q=0", "application/json"));
        assert!(!accept("application/json; Q = 0.0", "application/json"));
        assert!(!accept("application/jsonx", "application/json"));
    }
}
