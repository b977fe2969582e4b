//! Determines the protocol era of a message. Each message is judged by itself, since one client may use both eras.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use sandgate_message::{Era, Message, Shape};

/// The first modern protocol version. Versions are dates, so they compare as text.
pub const FIRST_MODERN: &str = "2026-07-28";
/// The legacy versions, which begin with `initialize`, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The member of `_meta` in which a modern request names its version.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// The HTTP header that mirrors [`VERSION_KEY`].
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The version header and the body contradict each other, or only one of them names a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum EraMismatchError {
    #[error("the header MCP-Protocol-Version is repeated or unreadable")]
    Unreadable,
    #[error("the header MCP-Protocol-Version says {header:?}, the body {body:?}")]
    Differ { header: String, body: String },
    #[error("the header MCP-Protocol-Version is missing; the body says {0:?}")]
    NoHeader(String),
    #[error(
        "the header MCP-Protocol-Version says {0:?}, but the body's _meta names no protocol version"
    )]
    NoBody(String),
}

/// The era of a message over HTTP, where a header names the version too.
///
/// # Errors
///
/// The header is unreadable, or it and the body do not name the same version.
pub fn of_http(message: &Message, headers: &HeaderMap) -> Result<Era, EraMismatchError> {
    let header = single(headers).map_err(|()| EraMismatchError::Unreadable)?;
    let body = version_in(message);
    match (header, body) {
        (Some(header), Some(body)) if header == body => Ok(Era::Modern),
        (Some(header), Some(body)) => Err(EraMismatchError::Differ {
            header: header.into(),
            body: body.into(),
        }),
        (None, Some(body)) => Err(EraMismatchError::NoHeader(body.into())),
        // Modern notifications have no `_meta`, and no headers are defined for them.
        (Some(header), None)
            if is_modern(header) && !matches!(message.shape(), Shape::Notification { .. }) =>
        {
            Err(EraMismatchError::NoBody(header.into()))
        }
        (Some(header), None) if is_modern(header) => Ok(Era::Modern),
        _ => Ok(Era::Legacy),
    }
}

/// The era of a message over stdio, where only the body names a version.
pub fn of_line(message: &Message) -> Era {
    if version_in(message).is_some() {
        Era::Modern
    } else {
        Era::Legacy
    }
}

/// The version in `params._meta` of a request or notification.
pub fn version_in(message: &Message) -> Option<Cow<'_, str>> {
    message.method()?;
    let version = message.payload().root().get("_meta")?.get(VERSION_KEY)?;
    // A version that is no string still marks the message as modern; the server reports what is wrong with it.
    Some(version.string().unwrap_or(Cow::Borrowed(version.as_str())))
}

fn single(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(VERSION_HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|v| Some(v.trim())).map_err(|_| ()),
        _ => Err(()),
    }
}

fn is_modern(version: &str) -> bool {
    let dated = version.len() == 10
        && version.bytes().enumerate().all(|(at, b)| {
            if matches!(at, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    dated && version >= FIRST_MODERN
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn of(body: &str, header: Option<&str>) -> Result<Era, EraMismatchError> {
        let message = Message::parse(body.as_bytes().to_vec(), &Limits::default()).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(VERSION_HEADER, header.parse().unwrap());
        }
        of_http(&message, &headers)
    }
    const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    const PLAIN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

    #[test]
    fn a_version_in_the_body_and_the_header_is_modern() {
        assert_eq!(of(MODERN, Some("2026-07-28")), Ok(Era::Modern));
    }
    #[test]
    fn no_version_in_the_body_is_legacy() {
        assert_eq!(of(PLAIN, None), Ok(Era::Legacy));
        assert_eq!(of(PLAIN, Some("2025-06-18")), Ok(Era::Legacy));
        assert_eq!(of(PLAIN, Some("nonsense")), Ok(Era::Legacy));
    }
    #[test]
    fn header_and_body_must_agree() {
        assert!(matches!(
            of(MODERN, Some("2025-11-25")),
            Err(EraMismatchError::Differ { .. })
        ));
        assert!(matches!(
            of(MODERN, None),
            Err(EraMismatchError::NoHeader(_))
        ));
        assert!(matches!(
            of(PLAIN, Some("2026-07-28")),
            Err(EraMismatchError::NoBody(_))
        ));
        assert!(matches!(
            of(PLAIN, Some("2027-01-01")),
            Err(EraMismatchError::NoBody(_))
        ));
    }
    #[test]
    fn a_modern_notification_needs_no_version_in_its_body() {
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        assert_eq!(of(cancelled, Some("2026-07-28")), Ok(Era::Modern));
    }
    #[test]
    fn a_version_that_does_not_exist_is_for_the_server_to_refuse() {
        assert_eq!(
            of(
                &MODERN.replace("2026-07-28", "1900-01-01"),
                Some("1900-01-01")
            ),
            Ok(Era::Modern)
        );
    }
    #[test]
    fn a_reply_is_legacy_since_the_modern_era_has_none_from_clients() {
        assert_eq!(
            of(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None),
            Ok(Era::Legacy)
        );
    }
}
