//! One conversation with a server: what a client's session, or its single stateless request, is carried on.

use http::HeaderMap;
use sandgate_message::{Era, Message};

use super::{Answer, ServerError};

/// A conversation with a server. Dropping it ends it as [`Self::close`] does, without waiting.
#[derive(Debug)]
pub struct Conversation {
    era: Era,
}

impl Conversation {
    /// The one it was opened for.
    pub fn era(&self) -> Era {
        self.era
    }
    /// Sends a request. Everything that comes back bears the message's own id and progress token. `headers` are the
    /// client's; of them only the ones with a meaning for the server go on. What a list request brings back is learnt
    /// by the server's [`Definitions`](super::Definitions).
    pub async fn request(&self, message: &Message, headers: &HeaderMap) -> Result<Answer, ServerError> {
        let _ = (message, headers);
        todo!()
    }
    /// Sends a notification, or the client's reply to a request of the server's.
    pub async fn send(&self, message: &Message, headers: &HeaderMap) -> Result<Answer, ServerError> {
        let _ = (message, headers);
        todo!()
    }
    /// What the server says unasked (legacy): the HTTP GET stream, or a child's messages that belong to no request. A
    /// later one takes over from an earlier one. `headers` may hold `Last-Event-ID`. Modern: status 405.
    pub async fn listen(&self, headers: &HeaderMap) -> Result<Answer, ServerError> {
        let _ = headers;
        todo!()
    }
    /// The HTTP server's session id; the client never sees it.
    pub fn session_id(&self) -> Option<String> {
        todo!()
    }
    /// Ends the session or the child.
    pub async fn close(&self) {
        todo!()
    }
}
