//! A request of the gateway's own, which no client asked for.

use http::HeaderMap;
use sandgate_message::{Id, Json, Message, Shape};

use super::answer::Body;
use super::{Conversation, ServerError};
use sandgate_wire::era::LEGACY;

/// The most pages fetched of one list.
pub(super) const MOST_PAGES: usize = 64;

/// The params with which the gateway itself initializes a conversation.
pub(super) fn initialize_params() -> Json {
    let params = serde_json::json!({
        "protocolVersion": LEGACY[0],
        "capabilities": {},
        "clientInfo": { "name": "sandgate", "version": env!("CARGO_PKG_VERSION") },
    });
    Json::of(&params).unwrap_or_else(|_| Json::empty_object())
}

/// The result of a request.
///
/// # Errors
///
/// The request cannot be sent, or its answer is missing, an error, or unusable.
pub(super) async fn ask(
    conversation: &Conversation,
    method: &str,
    params: &Json,
    headers: &HeaderMap,
) -> Result<Json, ServerError> {
    let reply = reply(conversation, method, params, headers).await?;
    match reply.shape() {
        Shape::Result { .. } => Ok(reply.payload().clone()),
        _ => Err(unusable(
            conversation,
            format!("it answered {method} with an error"),
        )),
    }
}

/// The reply to a request: a result or an error.
///
/// # Errors
///
/// The request cannot be sent, or its answer is missing.
pub(super) async fn reply(
    conversation: &Conversation,
    method: &str,
    params: &Json,
    headers: &HeaderMap,
) -> Result<Message, ServerError> {
    let id = Json::string(&format!("sandgate-{:016x}", rand::random::<u64>()));
    let id = Id::from_json(&id).unwrap_or_else(|| Id::number(0));
    let request = Message::request(&id, method, params);
    let answer = conversation.request(&request, headers).await?;
    let reply = match answer.body {
        Body::Message(reply) => Some(reply),
        Body::Stream(events) => events.reply().await,
        Body::Empty => None,
    };
    reply.ok_or_else(|| unusable(conversation, format!("it did not answer {method}")))
}

/// The error of a server whose answer is of no use.
pub(super) fn unusable(conversation: &Conversation, why: String) -> ServerError {
    ServerError::Garbage {
        server: conversation.server().name().clone(),
        why,
    }
}
