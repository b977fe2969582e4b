//! Which headers go on to an HTTP server, and which come back.
//!
//! Both ways by list, so that what nobody thought of stays out: the client's `Authorization` and `Cookie` were given to
//! the gateway and are no server's business, and a server's cookies would be shared by all who use the gateway. A server
//! that is to judge the client's own token gets it, and may say what is wrong with it; the door has taken it out of
//! requests for all others already.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use sandgate_message::{Era, Message, Shape};

use crate::era;
use crate::header_mirror;
use crate::trace_context::TraceContext;

pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM: &str = "mcp-param-";

/// The longest value of a server's header that comes back, in bytes; a challenge is made anew elsewhere.
const LONGEST: usize = 256;

/// The server's that come back: short and in visible ASCII, as honest ones are.
fn comes_back(name: &HeaderName, value: &HeaderValue) -> bool {
    let known = matches!(
        name.as_str(),
        "allow" | "retry-after" | "cache-control" | "x-accel-buffering"
    );
    known && value.len() <= LONGEST && value.to_str().is_ok()
}

/// What a client sent, and whether its token is the server's business.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) forward_authorization: bool,
    /// What tracing systems write beside `traceparent` is the server's business: free text that no interceptor sees.
    pub(crate) forward_trace_state: bool,
}

impl Client<'_> {
    /// A header that goes on with every request: its place in a trace, which is hexadecimal digits and no text.
    fn goes_on(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        match name.as_str() {
            "traceparent" => value.to_str().is_ok_and(TraceContext::is_plain),
            "tracestate" | "baggage" => self.forward_trace_state,
            _ => false,
        }
    }

    /// The token that goes on.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let token = self.headers.get(header::AUTHORIZATION);
        let mut token = token.filter(|_| self.forward_authorization)?.clone();
        token.set_sensitive(true);
        Some(token)
    }
}

/// Headers of the gateway's requests to one server.
pub(crate) fn base() -> HeaderMap {
    // For as many as a call has; more make it grow.
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION"))),
    );
    headers
}

/// Adds what a POST of this message must bear. `version`: the one that `initialize` agreed on.
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
    // They mirror a call's arguments, and nothing else.
    if era == Era::Modern && message.method() == Some("tools/call") {
        let mirrors = |name: &HeaderName| name.as_str().starts_with(PARAM);
        for (name, value) in client.headers.iter().filter(|(name, _)| mirrors(name)) {
            headers.append(name.clone(), value.clone());
        }
    }
    // The body is what the server acts on, so the body says what the headers are.
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

/// Adds what is common to all requests of a conversation.
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

/// The version as the body says it, or as the client's header does, or as it was agreed on.
pub(crate) fn set_version(headers: &mut HeaderMap, client: &HeaderMap, known: Option<&str>) {
    match (known, client.get(era::VERSION_HEADER)) {
        (Some(version), _) => insert_text(headers, era::VERSION_HEADER, version),
        (None, Some(version)) => drop(headers.insert(era::VERSION_HEADER, version.clone())),
        (None, None) => {}
    }
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // What no header can carry is left to the server to miss.
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// What of a response's headers the client may see.
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
