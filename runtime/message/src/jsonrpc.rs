//! One JSON-RPC message: an envelope over the original bytes.

use bytes::Bytes;

use crate::json::{Json, Limits, Malformed};

/// A request id: its JSON text, so that type and spelling survive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id(Box<str>);

impl Id {
    /// From an integer of the gateway's own.
    pub fn number(n: u64) -> Self {
        Self(n.to_string().into())
    }
    /// From the text of a JSON string or number; `None` for anything else (MCP forbids null).
    pub fn from_json(json: &Json) -> Option<Self> {
        matches!(json.root().kind(), crate::Kind::String | crate::Kind::Number).then(|| Self(json.as_str().into()))
    }
    /// JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Codes of the errors the gateway itself makes.
#[allow(missing_docs)]
pub mod error_codes {
    pub const PARSE: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Also "blocked by validation" in MCP's interceptor draft.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Also "mutation failed" in MCP's interceptor draft.
    pub const INTERNAL: i64 = -32603;
    /// "Interceptor timed out" in MCP's interceptor draft; also a server that cannot be reached.
    pub const SERVER: i64 = -32000;
    pub const HEADER_MISMATCH: i64 = -32020;
    pub const UNSUPPORTED_VERSION: i64 = -32022;
}

/// What a message is, with what only that kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Shape {
    Request { id: Id, method: Box<str> },
    Notification { method: Box<str> },
    /// A reply with a `result`.
    Result { id: Id },
    /// A reply with an `error`; the id is none where the request's could not be read (JSON-RPC's null).
    Error { id: Option<Id> },
}

/// Not a JSON-RPC 2.0 message as MCP has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMessage {
    /// Not even JSON that may be passed on.
    #[error("{0}")]
    Json(#[from] Malformed),
    /// JSON, but not a message; says what is wrong.
    #[error("not a JSON-RPC message: {0}")]
    Envelope(&'static str),
    /// An array of messages: only 2025-03-26 had them.
    #[error("batches are not accepted: send each message by itself")]
    Batch,
}

/// A message: the bytes as they came, and the one part that interceptors look at and may replace (`params`, `result` or
/// `error`).
#[derive(Clone, Debug)]
pub struct Message {
    whole: Json,
    shape: Shape,
    payload: Json,
}

impl Message {
    /// Reads one message.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, NotAMessage> {
        let whole = Json::parse(bytes, limits)?;
        let _ = whole;
        todo!()
    }
    /// A request of the gateway's own.
    pub fn request(id: &Id, method: &str, params: &Json) -> Self {
        let _ = (id, method, params);
        todo!()
    }
    /// A notification of the gateway's own.
    pub fn notification(method: &str, params: &Json) -> Self {
        let _ = (method, params);
        todo!()
    }
    /// A reply with a result.
    pub fn result(id: &Id, result: &Json) -> Self {
        let _ = (id, result);
        todo!()
    }
    /// A reply with an error; `data` is JSON.
    pub fn error(id: Option<&Id>, code: i64, message: &str, data: Option<&Json>) -> Self {
        let _ = (id, code, message, data);
        todo!()
    }
    /// What it is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
    /// Method of a request or notification.
    pub fn method(&self) -> Option<&str> {
        match &self.shape {
            Shape::Request { method, .. } | Shape::Notification { method } => Some(method),
            _ => None,
        }
    }
    /// Id of a request or reply.
    pub fn id(&self) -> Option<&Id> {
        match &self.shape {
            Shape::Request { id, .. } | Shape::Result { id } => Some(id),
            Shape::Error { id } => id.as_ref(),
            Shape::Notification { .. } => None,
        }
    }
    /// A reply that is an error.
    pub fn failed(&self) -> bool {
        matches!(self.shape, Shape::Error { .. })
    }
    /// `params`, `result` or `error`; an empty object where a request has no params.
    pub fn payload(&self) -> &Json {
        &self.payload
    }
    /// The message with another payload; all other bytes stay. Adds `params` where there was none.
    #[must_use]
    pub fn with_payload(&self, payload: Json) -> Self {
        let _ = payload;
        todo!()
    }
    /// The message under another id; all other bytes stay.
    #[must_use]
    pub fn with_id(&self, id: &Id) -> Self {
        let _ = id;
        todo!()
    }
    /// The whole message's text: the very bytes that came in where nothing was replaced.
    pub fn bytes(&self) -> Bytes {
        self.whole.bytes()
    }
    /// The same without CR and LF between tokens, for framings that forbid them (stdio lines, SSE `data`). The bytes
    /// themselves where there are none.
    pub fn line(&self) -> Bytes {
        todo!()
    }
}
