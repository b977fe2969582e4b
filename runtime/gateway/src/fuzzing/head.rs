use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_message::{Era, Limits, Message, Shape};

use super::header_text;
use crate::downstream::Router;

/// Checks that an accepted request says the same in its headers and its body. `data` is lines of `name: value`, an
/// empty line, and a message.
///
/// # Panics
///
/// A property does not hold.
pub fn head(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        else {
            return;
        };
        headers.append(name, value);
    }
    let Ok(message) = Message::parse(rest.to_vec(), &Limits::default()) else {
        return;
    };
    let said = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(one), None) => header_text(one.as_bytes()),
            _ => None,
        }
    };
    let (Ok(Era::Modern), Shape::Request { method, .. }) =
        (Router::classify(&message, &headers), message.shape())
    else {
        return;
    };
    let params = message.payload().root();
    let text = |member| params.get(member).and_then(|node| node.string());
    let version = params
        .get("_meta")
        .and_then(|meta| meta.get("io.modelcontextprotocol/protocolVersion"))
        .and_then(|version| version.string());
    if let Some(version) = version {
        assert_eq!(said("mcp-protocol-version").as_deref(), Some(&*version));
    }
    assert_eq!(said("mcp-method").as_deref(), Some(&**method));
    let named = match &**method {
        "tools/call" | "prompts/get" => text("name"),
        "resources/read" => text("uri"),
        _ => None,
    };
    if let Some(name) = named {
        assert_eq!(said("mcp-name").as_deref(), Some(&*name));
    }
}
