//! Checks that precede the interceptors. They refuse what interceptors and the receiver might read differently: unknown
//! methods, misspelt members, URIs that are not canonical, and names that look like another.

pub(crate) mod uris;

use sandgate_message::{Call, Direction, Message, Method, error_codes, misspelt_member};
use sandgate_pipeline::Chain;

use crate::call::error_reply;

/// Why a message is refused. The text never repeats a URI, name or method, since a policy may mask what these hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidMessageError {
    #[error(
        "its method is not known here; `known-methods` in the gateway's configuration admits others"
    )]
    UnknownMethod,
    #[error("its member {found:?} is another spelling of {meant:?}")]
    MisspeltMember { found: String, meant: &'static str },
    #[error("its URI is not in its canonical form, and the server does not list it as it is spelt")]
    AmbiguousUri,
    #[error("its name looks like another one; the server does not list it as it is spelt")]
    AmbiguousName,
    #[error("the server lists several names that look like its own")]
    LookalikeName,
}

impl InvalidMessageError {
    /// The error reply to the asker, who adds the id.
    pub(crate) fn reply(&self, call: &Call) -> Message {
        let code = match self {
            Self::UnknownMethod => error_codes::METHOD_NOT_FOUND,
            _ => error_codes::INVALID_PARAMS,
        };
        error_reply::not_sent(call, code, &self.to_string())
    }
}

/// Checks what the message alone can tell. `viewed` is whether views judge it.
///
/// # Errors
///
/// The method is unknown, or a member is a misspelling of one that the gateway or a policy reads.
pub(crate) fn check(
    chain: &Chain,
    viewed: bool,
    call: &Call,
    message: &Message,
) -> Result<(), InvalidMessageError> {
    let known = |method| Method::new(method).is_known() || chain.extends_to(method);
    if !chain.admits_method(&call.method, &call.server) || viewed && !known(&call.method) {
        return Err(InvalidMessageError::UnknownMethod);
    }
    let Some((found, meant)) = misspelt_member(message.payload().root()) else {
        return Ok(());
    };
    // The gateway itself uses these three to decide who owns something, with or without interceptors.
    let is_owned = call.direction == Direction::ClientToServer
        && matches!(meant, "taskId" | "requestState" | "inputResponses");
    if is_owned || viewed || chain.judges_any(&call.method, call.direction, &call.server) {
        let found = shortened(&found);
        return Err(InvalidMessageError::MisspeltMember { found, meant });
    }
    Ok(())
}

/// The part of the sender's text that an error repeats.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
