use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::header::{ACCEPT, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::downstream::http_rules::accepts;
use crate::downstream::post::is_json;
use sandgate_access::Access;
use sandgate_upstream::event_id;
use sandgate_wire::challenge;
use sandgate_wire::header_mirror;
use sandgate_wire::trace_context::TraceContext;

const METADATA: &str = "https://gateway.example/.well-known/oauth-protected-resource/mcp/s";

/// Checks the parsers of single header fields. The first byte, modulo eight, chooses the field.
///
/// # Panics
///
/// A property does not hold.
pub fn fields(data: &[u8]) {
    let Some((&which, value)) = data.split_first() else {
        return;
    };
    match which % 8 {
        0 => accept(value),
        1 => content_type(value),
        2 => host_and_origin(value),
        3 => www_authenticate(value),
        4 => traceparent(value),
        5 => mirrored(value),
        _ => last_event_id(value),
    }
}

fn single(name: HeaderName, value: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_bytes(value).ok()?);
    Some(headers)
}

fn accept(value: &[u8]) {
    let other = value.to_ascii_uppercase();
    let (Some(one), Some(other)) = (single(ACCEPT, value), single(ACCEPT, &other)) else {
        return;
    };
    for wanted in ["application/json", "text/event-stream"] {
        assert_eq!(accepts(&one, wanted), accepts(&other, wanted));
    }
}

fn content_type(value: &[u8]) {
    let Some(headers) = single(CONTENT_TYPE, value) else {
        return;
    };
    if is_json(&headers) {
        let kind = value.to_ascii_lowercase();
        let kind = kind.split(|&b| b == b';').next().unwrap_or_default();
        assert_eq!(kind.trim_ascii(), b"application/json");
        assert!(!headers[CONTENT_TYPE].is_empty());
    }
}

/// Whether a request with this `Host`, and this `Origin` if there is one, is allowed by default.
pub fn let_in(host: &[u8], origin: Option<&[u8]>) -> bool {
    let Some(mut headers) = single(HOST, host) else {
        return false;
    };
    match origin.map(HeaderValue::from_bytes) {
        Some(Ok(origin)) => drop(headers.insert(ORIGIN, origin)),
        Some(Err(_)) => return false,
        None => {}
    }
    let local = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 7).into(), 8808);
    let access = Access::default();
    access
        .check(&Uri::from_static("/mcp"), &headers, local)
        .is_ok()
}

fn host_and_origin(value: &[u8]) {
    let mut lines = value.splitn(2, |&b| b == b'\n');
    let host = lines.next().unwrap_or_default();
    let origin = lines.next();
    if !let_in(host, origin) {
        return;
    }
    assert!(is_here(host), "another host is let in");
    if let Some(origin) = origin {
        let origin = origin.to_ascii_lowercase();
        let authority = origin
            .strip_prefix(b"http://")
            .or_else(|| origin.strip_prefix(b"https://"));
        assert!(authority.is_some_and(is_here), "another origin is let in");
    }
}

/// Decides with another parser than the one under test.
fn is_here(authority: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(authority) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| {
            address.is_loopback() || address == Ipv4Addr::new(192, 0, 2, 7)
        })
}

fn www_authenticate(value: &[u8]) {
    let Some(mut headers) = single(WWW_AUTHENTICATE, value) else {
        return;
    };
    let mut none = headers.clone();
    challenge::reword(&mut none, None);
    assert!(none.is_empty());
    challenge::reword(&mut headers, Some(METADATA));
    assert!(headers.len() <= 1);
    if let Some(url) = challenge::metadata_in(&headers) {
        assert_eq!(url, METADATA, "the server's own address came back");
    }
    let mut again = headers.clone();
    challenge::reword(&mut again, Some(METADATA));
    assert_eq!(again, headers, "it reads otherwise once more");
}

fn traceparent(value: &[u8]) {
    let Ok(text) = std::str::from_utf8(value) else {
        return;
    };
    if let Some(context) = TraceContext::read(text) {
        assert_eq!(TraceContext::read(&context.to_string()), Some(context));
    }
}

/// The text of a mirroring header, with `=?base64?…?=` decoded; `None` if it is unreadable.
pub fn header_text(value: &[u8]) -> Option<String> {
    let value = HeaderValue::from_bytes(value).ok()?;
    let text = value.to_str().ok()?.trim().to_owned();
    Some(header_mirror::decode(&text)?.into_owned())
}

fn mirrored(value: &[u8]) {
    if let Ok(text) = std::str::from_utf8(value) {
        let written = header_mirror::encode(text);
        let read = header_text(written.as_bytes());
        assert_eq!(read.as_deref(), Some(text), "by {written:?}");
    }
    // Whatever can be read can be written and read again.
    if let Some(text) = header_text(value) {
        let written = header_mirror::encode(&text);
        assert_eq!(header_text(written.as_bytes()), Some(text));
    }
}

/// Checks that a client brings a server's event id back exactly as the server wrote it.
fn last_event_id(value: &[u8]) {
    let Some(sealed) = event_id::seal(value) else {
        return;
    };
    assert!(sealed.bytes().all(|b| b.is_ascii_graphic()), "{sealed:?}");
    let said = HeaderValue::from_str(&sealed);
    let opened = said.map(|said| event_id::open(&said));
    assert!(opened.is_ok_and(|opened| opened.as_bytes() == value));
}
