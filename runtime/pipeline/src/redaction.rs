//! What no document may hold when validators judge it.

use sandgate_message::{Json, Message};

/// Takes out of a document what no interceptor may bring into it.
pub trait Redaction: Send + Sync {
    /// The document without it; `None` where there was nothing to take out.
    fn redact(&self, document: &Json) -> Option<Json>;
}

/// The message without what its payload may not hold.
pub(crate) fn clean(redaction: Option<&dyn Redaction>, message: Message) -> Message {
    match redaction.and_then(|redaction| redaction.redact(message.payload())) {
        Some(payload) => message.with_payload(payload),
        None => message,
    }
}
