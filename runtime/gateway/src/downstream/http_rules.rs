//! Rules common to HTTP requests of every method: the session they name, the media types they accept, and the answers
//! to unknown paths.

use std::sync::Arc;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, StatusCode};
use sandgate_access::{Endpoint, Principal};
use sandgate_message::Id;

use super::Router;
use super::session::Session;
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::response::ClientResponse;

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

pub(super) fn nothing_here() -> ClientResponse {
    ClientResponse::text(
        StatusCode::NOT_FOUND,
        "nothing here: an MCP server is at /mcp/NAME, all of them are at /mcp\n",
    )
}

/// The response where a client has as many listening streams as it may.
pub(super) fn too_many_listeners(id: Option<&Id>) -> ClientResponse {
    let text = "this client listens on as many streams as it may: close one first";
    error_reply::busy(id, text)
}

/// The session that the request names; `None` unless it exists, belongs to this client and was opened at this endpoint.
pub(super) fn session(
    router: &Router,
    principal: &Arc<Principal>,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Option<Arc<Session>> {
    let mut ids = headers.get_all(SESSION).iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => router.sessions.find(id.to_str().ok()?, endpoint, principal),
        _ => None,
    }
}

/// Ends what a client listens to when its token ends.
pub(super) fn until_end_of_token(
    requester: &Requester,
    response: ClientResponse,
) -> ClientResponse {
    match &requester.grant {
        Some(grant) => response.not_after(grant.until),
        None => response,
    }
}

/// Whether the client accepts a media type. A request without `Accept` accepts any.
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
