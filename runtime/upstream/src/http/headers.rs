//! Which headers are forwarded to an HTTP server, and which are returned.
//!
//! Both directions use allowlists. The client's `Authorization` and `Cookie` were given to the gateway and are not for
//! servers, and a server's cookies would be shared by all users of the gateway. A server that judges the client's own
//! token gets it, and may return a challenge; for all other servers the gateway has already removed the token.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use sandgate_message::{Era, Message, Shape};

use sandgate_wire::era;
use sandgate_wire::header_mirror;
use sandgate_wire::trace_context::TraceContext;

pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM: &str = "mcp-param-";

/// The longest returned header value, in bytes. Challenges are rebuilt elsewhere.
const LONGEST: usize = 256;

/// Whether a server's header is returned: known, short and visible ASCII.
fn comes_back(name: &HeaderName, value: &HeaderValue) -> bool {
    let known = matches!(
        name.as_str(),
        "allow" | "retry-after" | "cache-control" | "x-accel-buffering"
    );
    known && value.len() <= LONGEST && value.to_str().is_ok()
}

/// A client's headers, and which of them concern the server.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) forward_authorization: bool,
    /// Whether to forward `tracestate` and `baggage`, which are free text that no interceptor sees.
    pub(crate) forward_trace_state: bool,
}

impl Client<'_> {
    /// Whether a header is forwarded with every request: the trace context, whose `traceparent` is hexadecimal digits
    /// and no text.
    fn goes_on(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        match name.as_str() {
            "traceparent" => value.to_str().is_ok_and(TraceContext::is_plain),
            "tracestate" | "baggage" => self.forward_trace_state,
            _ => false,
        }
    }

    /// The client's token, if it is forwarded.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let token = self.headers.get(header::AUTHORIZATION);
        let mut token = token.filter(|_| self.forward_authorization)?.clone();
        token.set_sensitive(true);
        Some(token)
    }
}

/// The headers of every request to a server.
pub(crate) fn base() -> HeaderMap {
    // Room for a usual call's headers; more make the map grow.
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION"))),
    );
    headers
}

/// Adds the headers that a POST of this message needs. `version` is the one negotiated by `initialize`.
pub(crate) fn for_message(
    headers: &mut HeaderMap,
    era: Era,
    message: &Message,
    client: &Client<'_>,
    version: Option<&str>,
) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    pass_on(headers, client);
    // These headers mirror a call's arguments and nothing else.
    if era == Era::Modern && message.method() == Some("tools/call") {
        let mirrors = |name: &HeaderName| name.as_str().starts_with(PARAM);
        for (name, value) in client.headers.iter().filter(|(name, _)| mirrors(name)) {
            headers.append(name.clone(), value.clone());
        }
    }
    // The server acts on the body, so the headers follow the body.
    let said = era::version_in(message).filter(|_| era == Era::Modern);
    set_version(headers, client.headers, said.as_deref().or(version));
    if era == Era::Legacy {
        return;
    }
    let Some(method) = message
        .method()
        .filter(|_| matches!(message.shape(), Shape::Request { .. }))
    else {
        return;
    };
    insert_text(headers, METHOD, method);
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/cancel" | "tasks/get" | "tasks/update" => "taskId",
        _ => return,
    };
    if let Some(name) = message
        .payload()
        .root()
        .get(member)
        .and_then(|node| node.string())
    {
        insert_text(headers, NAME, &header_mirror::encode(&name));
    }
}

/// Adds the headers common to all requests of a conversation.
pub(crate) fn pass_on(headers: &mut HeaderMap, client: &Client<'_>) {
    for (name, value) in client.headers {
        if client.goes_on(name, value) {
            headers.append(name.clone(), value.clone());
        }
    }
    if let Some(token) = client.authorization() {
        headers.insert(header::AUTHORIZATION, token);
    }
}

/// Sets the version: that of the body, else the negotiated one, else the client's header.
pub(crate) fn set_version(headers: &mut HeaderMap, client: &HeaderMap, known: Option<&str>) {
    match (known, client.get(era::VERSION_HEADER)) {
        (Some(version), _) => insert_text(headers, era::VERSION_HEADER, version),
        (None, Some(version)) => drop(headers.insert(era::VERSION_HEADER, version.clone())),
        (None, None) => {}
    }
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // A value that no header can carry is left for the server to miss.
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// The headers of a response that the client may see.
pub(crate) fn coming_back(response: &HeaderMap, forward_authorization: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let challenge = |name: &HeaderName| forward_authorization && name == header::WWW_AUTHENTICATE;
    for (name, value) in response
        .iter()
        .filter(|(name, value)| comes_back(name, value) || challenge(name))
    {
        headers.append(name.clone(), value.clone());
    }
    headers
}
