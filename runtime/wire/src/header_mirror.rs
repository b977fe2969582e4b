//! The HTTP headers that mirror the body of a modern request (`Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`). They are
//! checked on arrival, since intermediaries may trust them, and renewed where an interceptor changed what they mirror.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_message::{Json, Kind, Message, Node, Shape};

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM: &str = "mcp-param-";
/// The deepest nesting of properties that is followed in a schema; deeper ones mirror nothing.
const DEEPEST: usize = 16;

/// A header that contradicts the body, or is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum HeaderMismatchError {
    #[error("the header {0} is missing")]
    Missing(HeaderName),
    #[error("the header {0} is repeated or unreadable")]
    Unreadable(HeaderName),
    #[error("the header {0} does not say what the body says")]
    Differs(HeaderName),
}

/// Checks `Mcp-Method` and `Mcp-Name` of a modern message. Notifications need neither, but those they send must match.
///
/// # Errors
///
/// A header is missing or unreadable, or contradicts the body.
pub fn check(message: &Message, headers: &HeaderMap) -> Result<(), HeaderMismatchError> {
    let Some(method) = message.method() else {
        return Ok(());
    };
    let required = matches!(message.shape(), Shape::Request { .. });
    compare(headers, METHOD, required, Some(method), false)?;
    let named = match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        // The tasks extension requires the header; a request without it is the server's to judge.
        "tasks/cancel" | "tasks/get" | "tasks/update" => Some("taskId"),
        _ => None,
    };
    let Some(member) = named else { return Ok(()) };
    let root = message.payload().root();
    let value = root.get(member).and_then(|node| node.string());
    // A body without a name is for the server to refuse.
    compare(
        headers,
        NAME,
        required && member != "taskId" && value.is_some(),
        value.as_deref(),
        true,
    )
}

fn compare(
    headers: &HeaderMap,
    name: HeaderName,
    required: bool,
    body: Option<&str>,
    encoded: bool,
) -> Result<(), HeaderMismatchError> {
    let mut values = headers.get_all(&name).iter();
    let value = match (values.next(), values.next()) {
        (None, _) if required => return Err(HeaderMismatchError::Missing(name)),
        (None, _) => return Ok(()),
        (Some(value), None) => value,
        _ => return Err(HeaderMismatchError::Unreadable(name)),
    };
    let said = value.to_str().ok().map(str::trim);
    let said = said.and_then(|text| match encoded {
        true => decode(text),
        false => Some(Cow::Borrowed(text)),
    });
    match said {
        None => Err(HeaderMismatchError::Unreadable(name)),
        Some(said) if Some(&*said) == body => Ok(()),
        Some(_) => Err(HeaderMismatchError::Differs(name)),
    }
}

/// Whether the request came over HTTP by the modern rules, so that intermediaries may have read its headers.
pub fn bears_headers(headers: &HeaderMap) -> bool {
    headers.contains_key(METHOD)
}

/// Whether the request has `Mcp-Param-*` headers.
pub fn bears_params(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PARAM))
}

/// Checks `Mcp-Param-*` against the arguments that they mirror, according to the tool's definition.
///
/// # Errors
///
/// A header is missing or unreadable, or contradicts its argument.
pub fn check_params(
    headers: &HeaderMap,
    params: &Json,
    definition: &Json,
) -> Result<(), HeaderMismatchError> {
    for (name, value) in mirrored(params, definition) {
        let mut said = headers.get_all(&name).iter();
        let (said, again) = (said.next(), said.next());
        match (said, value.and_then(text_of)) {
            (None, None) => {}
            (None, Some(_)) => return Err(HeaderMismatchError::Missing(name)),
            (Some(_), _) if again.is_some() => return Err(HeaderMismatchError::Unreadable(name)),
            (Some(said), text) => {
                let said = said.to_str().ok().map(str::trim).and_then(decode);
                let Some(said) = said else {
                    return Err(HeaderMismatchError::Unreadable(name));
                };
                let number = value.is_some_and(|value| value.kind() == Kind::Number);
                if !text.is_some_and(|text| said == text || number && equal(&said, &text)) {
                    return Err(HeaderMismatchError::Differs(name));
                }
            }
        }
    }
    Ok(())
}

/// Whether two texts are the same number: `42.0` is 42. Beyond what a float holds exactly, two numbers never count as
/// equal here.
fn equal(one: &str, other: &str) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one == other && one.abs() < EXACT,
        _ => false,
    }
}

/// Renews `Mcp-Param-*` for changed arguments. A header that the tool's definition does not explain is removed: it
/// could reveal to intermediaries what an interceptor removed.
pub fn renew_params(headers: &mut HeaderMap, params: &Json, definition: Option<&Json>) {
    let stale: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(PARAM))
        .cloned()
        .collect();
    for name in stale {
        headers.remove(name);
    }
    let Some(definition) = definition else { return };
    for (name, value) in mirrored(params, definition) {
        if let Some(text) = value.and_then(text_of)
            && let Ok(text) = HeaderValue::try_from(&*encode(&text))
        {
            headers.insert(name, text);
        }
    }
}

/// The headers that a tool's definition asks for, each with its argument. A name that occurs twice is left out: the
/// definition is invalid, since it is unclear which argument the header mirrors.
fn mirrored<'a>(params: &'a Json, definition: &Json) -> Vec<(HeaderName, Option<Node<'a>>)> {
    let mut found = Vec::new();
    // Most tools mirror nothing.
    if memchr::memmem::find(definition.as_str().as_bytes(), b"x-mcp-header").is_none() {
        return found;
    }
    if let Some(schema) = definition.get("inputSchema") {
        let arguments = params.root().get("arguments");
        collect(schema.root(), arguments, DEEPEST, &mut found);
    }
    let names: Vec<HeaderName> = found.iter().map(|(name, _)| name.clone()).collect();
    found.retain(|(name, _)| names.iter().filter(|other| *other == name).count() == 1);
    found
}

fn collect<'a>(
    schema: Node<'_>,
    value: Option<Node<'a>>,
    depth: usize,
    found: &mut Vec<(HeaderName, Option<Node<'a>>)>,
) {
    let Some(properties) = schema.get("properties").filter(|_| depth > 0) else {
        return;
    };
    for (name, property) in properties.members() {
        let value = value.and_then(|value| value.get(&name));
        // Floats have no unique spelling and are not mirrored.
        let float = property
            .get("type")
            .is_some_and(|kind| kind.as_str() == "\"number\"");
        if let Some(header) = property.get("x-mcp-header").and_then(|node| node.string())
            && !header.is_empty()
            && !float
            && let Ok(header) = HeaderName::try_from(format!("{PARAM}{header}"))
        {
            found.push((header, value));
        }
        collect(property, value, depth - 1, found);
    }
}

fn text_of(value: Node<'_>) -> Option<String> {
    match value.kind() {
        Kind::String => value.string().map(Cow::into_owned),
        Kind::Number | Kind::Bool => Some(value.as_str().to_owned()),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// Encodes any text for a header, as MCP defines it.
pub fn encode(text: &str) -> Cow<'_, str> {
    let plain = text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'))
        && text.trim() == text
        && sentinel(text).is_none();
    if plain {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("=?base64?{}?=", STANDARD.encode(text)))
    }
}

/// Decodes a header that [`encode`] wrote; `None` if the encoding is broken.
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    match sentinel(text) {
        None => Some(Cow::Borrowed(text)),
        Some(inner) => Some(String::from_utf8(STANDARD.decode(inner).ok()?).ok()?.into()),
    }
}

/// The text between the encoding's marks. In `=?base64?=` the marks overlap, which some readers take for an encoded
/// text and others do not. It therefore counts as one that cannot be decoded.
fn sentinel(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("=?base64?")?;
    match inner {
        "=" => Some(inner),
        _ => inner.strip_suffix("?="),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn call(name: &str) -> Message {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":{name:?}}}}}"#
        );
        Message::parse(body.into_bytes(), &Limits::default()).unwrap()
    }
    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        headers
    }

    #[test]
    fn headers_that_mirror_the_body_pass() {
        assert_eq!(
            check(
                &call("x"),
                &headers(&[("mcp-method", "tools/call"), ("mcp-name", "x")])
            ),
            Ok(())
        );
        let encoded = encode("世界");
        assert_eq!(
            check(
                &call("世界"),
                &headers(&[("mcp-method", "tools/call"), ("mcp-name", &encoded)])
            ),
            Ok(())
        );
    }
    #[test]
    fn headers_that_are_missing_or_say_something_else_do_not() {
        assert_eq!(
            check(&call("x"), &headers(&[("mcp-name", "x")])),
            Err(HeaderMismatchError::Missing(METHOD))
        );
        assert_eq!(
            check(&call("x"), &headers(&[("mcp-method", "tools/call")])),
            Err(HeaderMismatchError::Missing(NAME))
        );
        assert_eq!(
            check(
                &call("x"),
                &headers(&[("mcp-method", "Tools/call"), ("mcp-name", "x")])
            ),
            Err(HeaderMismatchError::Differs(METHOD))
        );
        assert_eq!(
            check(
                &call("x"),
                &headers(&[("mcp-method", "tools/call"), ("mcp-name", "y")])
            ),
            Err(HeaderMismatchError::Differs(NAME))
        );
        let twice = headers(&[
            ("mcp-method", "tools/call"),
            ("mcp-name", "x"),
            ("mcp-name", "x"),
        ]);
        assert_eq!(
            check(&call("x"), &twice),
            Err(HeaderMismatchError::Unreadable(NAME))
        );
        let broken = headers(&[("mcp-method", "tools/call"), ("mcp-name", "=?base64?!?=")]);
        assert_eq!(
            check(&call("x"), &broken),
            Err(HeaderMismatchError::Unreadable(NAME))
        );
    }
    #[test]
    fn changed_arguments_are_mirrored_anew() {
        let definition = r#"{"name":"q","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"properties":{"n":{"x-mcp-header":"N"}}},"gone":{"x-mcp-header":"Gone"}}}}"#;
        let params =
            r#"{"name":"q","arguments":{"region":" padded ","deep":{"n":42},"gone":null}}"#;
        let read = |text: &str| Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
        let mut sent = headers(&[
            ("mcp-param-region", "old"),
            ("mcp-param-gone", "old"),
            ("mcp-param-odd", "old"),
            ("other", "stays"),
        ]);
        renew_params(&mut sent, &read(params), Some(&read(definition)));
        assert_eq!(
            sent,
            headers(&[
                ("other", "stays"),
                ("mcp-param-region", "=?base64?IHBhZGRlZCA=?="),
                ("mcp-param-n", "42")
            ])
        );
    }
    #[test]
    fn mirrored_arguments_must_be_what_the_body_says() {
        let read = |text: &str| Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
        let definition = read(
            r#"{"name":"q","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"},
            "n":{"type":"integer","x-mcp-header":"N"},"float":{"type":"number","x-mcp-header":"Float"},
            "a":{"x-mcp-header":"Twice"},"b":{"x-mcp-header":"twice"}}}}"#,
        );
        let params = |arguments: &str| read(&format!(r#"{{"name":"q","arguments":{arguments}}}"#));
        let checked = |arguments: &str, said: &[(&str, &str)]| {
            check_params(&headers(said), &params(arguments), &definition)
        };
        let region = HeaderName::from_static("mcp-param-region");
        let number = HeaderName::from_static("mcp-param-n");
        assert_eq!(checked("{}", &[]), Ok(()));
        assert_eq!(checked(r#"{"region":null}"#, &[]), Ok(()));
        assert_eq!(
            checked(r#"{"region":"eu"}"#, &[("mcp-param-region", "eu")]),
            Ok(())
        );
        assert_eq!(
            checked(
                r#"{"region":"\u4e16"}"#,
                &[("mcp-param-region", "=?base64?5LiW?=")]
            ),
            Ok(())
        );
        assert_eq!(checked(r#"{"n":42}"#, &[("mcp-param-n", "42.0")]), Ok(()));
        assert_eq!(
            checked(
                r#"{"n":9007199254740993}"#,
                &[("mcp-param-n", "9007199254740992")]
            ),
            Err(HeaderMismatchError::Differs(number))
        );
        assert_eq!(checked(r#"{"float":1.5,"a":1,"b":2}"#, &[]), Ok(()));
        assert_eq!(checked("{}", &[("mcp-param-unknown", "x")]), Ok(()));
        assert_eq!(
            checked(r#"{"region":"eu"}"#, &[]),
            Err(HeaderMismatchError::Missing(region.clone()))
        );
        for arguments in [
            r#"{"region":"us"}"#,
            r#"{"region":null}"#,
            "{}",
            r#"{"region":["eu"]}"#,
        ] {
            assert_eq!(
                checked(arguments, &[("mcp-param-region", "eu")]),
                Err(HeaderMismatchError::Differs(region.clone())),
                "{arguments}"
            );
        }
        let twice = [("mcp-param-region", "eu"), ("mcp-param-region", "us")];
        assert_eq!(
            checked(r#"{"region":"eu"}"#, &twice),
            Err(HeaderMismatchError::Unreadable(region.clone()))
        );
        assert_eq!(
            checked(
                r#"{"region":"eu"}"#,
                &[("mcp-param-region", "=?base64?!?=")]
            ),
            Err(HeaderMismatchError::Unreadable(region))
        );
    }
    #[test]
    fn texts_that_headers_cannot_carry_are_encoded() {
        for text in [
            "us-west1",
            "Hello, 世界",
            " padded ",
            "a\nb",
            "=?base64?literal?=",
            "=?base64?=",
            "",
        ] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(encode("us-west1"), "us-west1");
        assert_eq!(
            encode("=?base64?literal?="),
            "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="
        );
    }
}
