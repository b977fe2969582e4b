//! What servers say, without the values that the gateway keeps: before anything else reads it.

use std::sync::Arc;

use bytes::Bytes;
use sandgate_message::{Json, JsonError, Limits, Message, MessageError};
use sandgate_secrets::Redactor;

/// Reads a message of a server.
///
/// # Errors
///
/// It is no message, or none any more once its values are taken out.
pub(crate) fn message(
    bytes: Bytes,
    limits: &Limits,
    redactor: &Arc<Redactor>,
) -> Result<Message, MessageError> {
    let message = Message::parse(bytes, limits)?;
    let bytes = message.bytes();
    match std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| redactor.json(text))
    {
        Some(clean) => Message::parse(clean, &roomier(limits)),
        None => Ok(message),
    }
}

/// Reads a document of a server.
///
/// # Errors
///
/// It is no JSON.
pub(crate) fn json(
    bytes: Bytes,
    limits: &Limits,
    redactor: &Arc<Redactor>,
) -> Result<Json, JsonError> {
    let json = Json::parse(bytes, limits)?;
    match redactor.json(json.as_str()) {
        Some(clean) => Json::parse(clean, &roomier(limits)),
        None => Ok(json),
    }
}

/// Words about what a server said.
pub(crate) fn words(text: String, redactor: &Arc<Redactor>) -> String {
    redactor.text(&text).unwrap_or(text)
}

/// A mark in the place of a name of a member may be longer than what it stands for.
fn roomier(limits: &Limits) -> Limits {
    Limits {
        bytes: limits.bytes.saturating_mul(2),
        ..*limits
    }
}
