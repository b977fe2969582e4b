//! Replaces ids and tokens in a message, leaving its other bytes as they are.

use sandgate_message::{Edit, Id, Json, Limits, Message, Shape, apply};

use crate::answer::is_reply;
use crate::demux::key::Key;

pub(crate) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
pub(crate) const SUBSCRIPTION_POINTER: &str = "/_meta/io.modelcontextprotocol~1subscriptionId";

/// Replaces the value at `pointer`, which the payload must have.
pub(crate) fn splice(message: &Message, pointer: &str, value: String, limits: &Limits) -> Message {
    // An id longer than the original must not push a message over the limit.
    let limits = Limits {
        bytes: limits.bytes + value.len(),
        depth: limits.depth,
    };
    match apply(
        message.payload(),
        &[Edit::Set(pointer.into(), value)],
        &limits,
    ) {
        Ok(payload) => message.with_payload(payload),
        // Unreachable: every pointer was found in the message before.
        Err(_) => message.clone(),
    }
}

/// Turns an error without an id into the reply to this request.
pub(crate) fn under_id(message: &Message, id: &Id, limits: &Limits) -> Option<Message> {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#,
        id.as_str(),
        message.payload().as_str()
    );
    let limits = Limits {
        bytes: limits.bytes + 64 + id.as_str().len(),
        depth: limits.depth,
    };
    Message::parse(text, &limits).ok()
}

/// A member of the payload's `_meta`.
pub(crate) fn meta(message: &Message, name: &str) -> Option<Json> {
    message
        .payload()
        .root()
        .get("_meta")?
        .get(name)
        .map(|node| node.to_json())
}

/// The reply under the request's own id, however the server spelt it; `None` if it answers another request.
pub(crate) fn restore(reply: Message, id: &Id, limits: &Limits) -> Option<Message> {
    match reply.shape() {
        _ if !is_reply(&reply) => None,
        Shape::Error { id: None } => under_id(&reply, id, limits),
        _ => under_own_id(reply, id),
    }
}

/// The error with which a server refuses a message, under the id of the request or without one if the server gave none.
/// `None` for anything else.
pub(crate) fn refusal(reply: Message, id: Option<&Id>) -> Option<Message> {
    match reply.shape() {
        Shape::Error { id: None } => Some(reply),
        Shape::Error { id: Some(_) } => under_own_id(reply, id?),
        _ => None,
    }
}

fn under_own_id(reply: Message, id: &Id) -> Option<Message> {
    let said = reply.id()?;
    if said == id {
        return Some(reply);
    }
    (Key::of_id(said) == Key::of_id(id)).then(|| reply.with_id(id))
}
