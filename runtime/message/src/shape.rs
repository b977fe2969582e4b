//! What a message is: its id, its shape, and why a text is no message.

use crate::json::Json;
use crate::json_error::JsonError;
use crate::line::line_length;
use crate::tape::Kind;

/// A request id. It is kept as its JSON text, so that type and spelling survive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id(Box<str>);

impl Id {
    /// The longest id, in bytes of its JSON text as [`Message::line`](crate::Message::line) writes it. Ids are kept while their calls are
    /// active and are repeated in replies and logs. The longest that SDKs make is a UUID.
    pub const MAX_BYTES: usize = 256;
    /// An id of the gateway's own.
    pub fn number(n: u64) -> Self {
        Self(n.to_string().into())
    }
    /// The id of an error whose request's id could not be read.
    pub(crate) fn null() -> Self {
        Self("null".into())
    }
    /// The id in a JSON string or number of at most [`Self::MAX_BYTES`]. `None` for any other value (MCP forbids null).
    pub fn from_json(json: &Json) -> Option<Self> {
        let kind = json.root().kind();
        let text = json.as_str().as_bytes();
        let fits = matches!(kind, Kind::String | Kind::Number)
            && text.len() <= Self::MAX_BYTES
            && line_length(text) <= Self::MAX_BYTES;
        fits.then(|| Self(json.as_str().into()))
    }
    /// The id's JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Codes of the errors that the gateway itself makes.
#[allow(missing_docs)]
pub mod error_codes {
    pub const PARSE: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Also "blocked by validation" in MCP's interceptor draft.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Also "mutation failed" in MCP's interceptor draft.
    pub const INTERNAL: i64 = -32603;
    /// "Interceptor timed out" in MCP's interceptor draft. Also a server that cannot be reached.
    pub const SERVER: i64 = -32000;
    pub const HEADER_MISMATCH: i64 = -32020;
    pub const UNSUPPORTED_VERSION: i64 = -32022;
}

/// The shape of a message, with what only that shape has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Shape {
    Request {
        id: Id,
        method: Box<str>,
    },
    Notification {
        method: Box<str>,
    },
    /// A reply with a `result`.
    Result {
        id: Id,
    },
    /// A reply with an `error`. The id is `None` if the request's could not be read (JSON-RPC's null).
    Error {
        id: Option<Id>,
    },
}

/// Why a text is not a JSON-RPC 2.0 message as MCP defines it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The text is not JSON that may pass.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// The text is JSON, but not a message. Says what is wrong.
    #[error("not a JSON-RPC message: {0}")]
    Envelope(&'static str),
    /// The text is an array of messages, which only 2025-03-26 had.
    #[error("batches are not accepted: send each message by itself")]
    Batch,
}

impl Shape {
    /// The same shape with another id.
    pub(crate) fn under(&self, id: &Id) -> Self {
        match self {
            Self::Request { method, .. } => Self::Request {
                id: id.clone(),
                method: method.clone(),
            },
            Self::Notification { method } => Self::Notification {
                method: method.clone(),
            },
            Self::Result { .. } => Self::Result { id: id.clone() },
            Self::Error { .. } => Self::Error {
                id: Some(id.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_error::Limits;

    fn json(text: &str) -> Json {
        Json::parse(text.to_string(), &Limits::default()).expect("valid")
    }

    #[test]
    fn an_id_that_is_too_long_on_a_line_is_none() {
        let id_of = |length| Id::from_json(&json(&format!("\"{}\"", "\u{2028}".repeat(length))));
        assert!(id_of(42).is_some(), "254 bytes on a line");
        assert!(id_of(43).is_none(), "131 bytes here, 260 on a line");
    }
}
