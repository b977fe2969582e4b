//! What the gateway itself refuses before any interceptor looks, since interceptors and the other side could read it
//! differently: methods that nobody knows, members spelt otherwise than the protocol's, URIs with another spelling, names
//! that look like another's.

pub(crate) mod uris;

use sandgate_message::{Call, Direction, Message, error_codes, misspelt_member};
use sandgate_pipeline::Chain;

use crate::call::error_reply;

/// Why a message does not pass. No URI, name or method of the sender's is repeated: a policy may mask what they hold.
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
    /// What the asker is told; the id is the asker's to add.
    pub(crate) fn reply(&self, call: &Call) -> Message {
        let code = match self {
            Self::UnknownMethod => error_codes::METHOD_NOT_FOUND,
            _ => error_codes::INVALID_PARAMS,
        };
        error_reply::not_sent(call, code, &self.to_string())
    }
}

/// What can be told from the message alone.
pub(crate) fn check(
    chain: &Chain,
    call: &Call,
    message: &Message,
) -> Result<(), InvalidMessageError> {
    if !chain.admits_method(&call.method, &call.server) {
        return Err(InvalidMessageError::UnknownMethod);
    }
    let Some((found, meant)) = misspelt_member(message.payload().root()) else {
        return Ok(());
    };
    // By these three the gateway itself tells whose something is, whoever looks.
    let is_owned = call.direction == Direction::ClientToServer
        && matches!(meant, "taskId" | "requestState" | "inputResponses");
    if is_owned || chain.judges_any(&call.method, call.direction, &call.server) {
        let found = shortened(&found);
        return Err(InvalidMessageError::MisspeltMember { found, meant });
    }
    Ok(())
}

/// As much of a text of the sender's as an error repeats.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
