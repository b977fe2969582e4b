//! One JSON-RPC message: an envelope over the original bytes.

use bytes::Bytes;

use crate::envelope::Envelope;
use crate::escape::quote_into;
use crate::json::{Json, Limits, Malformed};
use crate::slot::{Copy, Slot};

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
        matches!(
            json.root().kind(),
            crate::Kind::String | crate::Kind::Number
        )
        .then(|| Self(json.as_str().into()))
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
    /// A reply with an `error`; the id is none where the request's could not be read (JSON-RPC's null).
    Error {
        id: Option<Id>,
    },
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
    text: Bytes,
    shape: Shape,
    payload: Json,
    id_at: Slot,
    payload_at: Slot,
}

impl Message {
    /// Reads one message.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, NotAMessage> {
        let whole = Json::parse(bytes, limits)?;
        let Envelope {
            shape,
            payload,
            id_at,
            payload_at,
        } = Envelope::read(&whole)?;
        Ok(Self {
            text: whole.bytes(),
            shape,
            payload,
            id_at,
            payload_at,
        })
    }
    /// A request of the gateway's own.
    pub fn request(id: &Id, method: &str, params: &Json) -> Self {
        let shape = Shape::Request {
            id: id.clone(),
            method: method.into(),
        };
        Self::write(shape, Some(id), Some(method), "params", params.clone())
    }
    /// A notification of the gateway's own.
    pub fn notification(method: &str, params: &Json) -> Self {
        Self::write(
            Shape::Notification {
                method: method.into(),
            },
            None,
            Some(method),
            "params",
            params.clone(),
        )
    }
    /// A reply with a result.
    pub fn result(id: &Id, result: &Json) -> Self {
        Self::write(
            Shape::Result { id: id.clone() },
            Some(id),
            None,
            "result",
            result.clone(),
        )
    }
    /// A reply with an error; `data` is JSON.
    pub fn error(id: Option<&Id>, code: i64, message: &str, data: Option<&Json>) -> Self {
        let mut error = format!("{{\"code\":{code},\"message\":");
        quote_into(message, &mut error);
        if let Some(data) = data {
            error.push_str(",\"data\":");
            error.push_str(data.as_str());
        }
        error.push('}');
        // Well-formed by construction; too large for the representation only if message and data together pass 512 MiB.
        let error = Json::parse(error, &Limits::NONE).unwrap_or_else(|_| Json::empty_object());
        let null = Id("null".into());
        Self::write(
            Shape::Error { id: id.cloned() },
            Some(id.unwrap_or(&null)),
            None,
            "error",
            error,
        )
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
        self.with(None, Some(payload))
    }
    /// The message under another id; all other bytes stay. A notification has none and is left as it is.
    #[must_use]
    pub fn with_id(&self, id: &Id) -> Self {
        self.with(Some(id), None)
    }
    /// Both at once: one copy of the message.
    #[must_use]
    pub fn with(&self, id: Option<&Id>, payload: Option<Json>) -> Self {
        let id = id.filter(|id| {
            !matches!(self.shape, Shape::Notification { .. }) && self.id() != Some(id)
        });
        let payload = payload.filter(|payload| *payload != self.payload);
        if id.is_none() && payload.is_none() {
            return self.clone();
        }
        let id_text = id.map(Id::as_str);
        let payload_text = payload.as_ref().map(Json::as_str);
        let grown = [id_text, payload_text]
            .into_iter()
            .flatten()
            .map(str::len)
            .sum::<usize>()
            + r#","params":"#.len();
        let mut copy = Copy::new(&self.text, grown);
        let (id_at, payload_at);
        if self.id_at.start() < self.payload_at.start() {
            id_at = copy.slot(&self.id_at, "id", id_text);
            payload_at = copy.slot(&self.payload_at, "params", payload_text);
        } else {
            payload_at = copy.slot(&self.payload_at, "params", payload_text);
            id_at = copy.slot(&self.id_at, "id", id_text);
        }
        Self {
            text: copy.finish(),
            shape: id.map_or_else(|| self.shape.clone(), |id| self.shape.under(id)),
            payload: payload.unwrap_or_else(|| self.payload.clone()),
            id_at,
            payload_at,
        }
    }
    /// The whole message's text: the very bytes that came in where nothing was replaced.
    pub fn bytes(&self) -> Bytes {
        self.text.clone()
    }
    /// The same without CR and LF between tokens, for framings that forbid them (stdio lines, SSE `data`). The bytes
    /// themselves where there are none.
    pub fn line(&self) -> Bytes {
        // A checked string holds no raw control character, so each of these stands between tokens.
        let mut breaks = memchr::memchr2_iter(b'\r', b'\n', &self.text).peekable();
        if breaks.peek().is_none() {
            return self.text.clone();
        }
        let mut line = Vec::with_capacity(self.text.len());
        let mut copied = 0;
        for at in breaks {
            line.extend_from_slice(&self.text[copied..at]);
            copied = at + 1;
        }
        line.extend_from_slice(&self.text[copied..]);
        line.into()
    }

    fn write(
        shape: Shape,
        id: Option<&Id>,
        method: Option<&str>,
        member: &str,
        payload: Json,
    ) -> Self {
        let mut text =
            String::with_capacity(64 + method.map_or(0, str::len) + payload.as_str().len());
        text.push_str(r#"{"jsonrpc":"2.0""#);
        let mut id_at = Slot::Free(text.len());
        if let Some(id) = id {
            text.push_str(r#","id":"#);
            id_at = Slot::Taken(text.len()..text.len() + id.as_str().len());
            text.push_str(id.as_str());
        }
        if let Some(method) = method {
            text.push_str(r#","method":"#);
            quote_into(method, &mut text);
        }
        text.push_str(",\"");
        text.push_str(member);
        text.push_str("\":");
        let payload_at = Slot::Taken(text.len()..text.len() + payload.as_str().len());
        text.push_str(payload.as_str());
        text.push('}');
        Self {
            text: text.into(),
            shape,
            payload,
            id_at,
            payload_at,
        }
    }
}

impl Shape {
    /// The same under another id.
    fn under(&self, id: &Id) -> Self {
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
