//! Messages within a message: a reply that asks the client for input, a request that brings it, a task with its
//! outcome. Nested messages pass the interceptors as messages of their own, while the whole passes as what it is.

use sandgate_message::{BoxFuture, Id, Json, Message};

use crate::refusal::{Interrupted, RefusalContext};
use crate::trail::TrailEntry;

/// Takes the messages nested in a document through the interceptors.
pub trait NestedMessages: Send {
    /// Called once, after every mutator has had the document and before any validator judges it, so that the validators
    /// see the final bytes of the nested messages and of the whole.
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, NestedOutcome>;
}

/// The outcome of the nested messages.
#[derive(Debug)]
pub struct NestedOutcome {
    /// The document if it changed, or why the whole message does not go on.
    pub outcome: Result<Option<Json>, NestedRefusal>,
    /// Runs that belong in the trail of the whole message.
    pub entries: Vec<TrailEntry>,
}

/// Why a document does not go on because of a message in it.
#[derive(Clone, Debug)]
pub enum NestedRefusal {
    /// An interceptor stopped the nested message. The requester is told as if it had stopped the whole.
    Interrupted(Interrupted),
    /// The gateway itself stopped the nested message. This is the reply.
    Gateway(Box<Message>),
}

impl NestedRefusal {
    /// The reply to the requester, and the interceptor that stopped the message, if one did.
    pub(crate) fn reply(
        self,
        context: &RefusalContext<'_>,
        id: Option<&Id>,
    ) -> (Option<Message>, Option<Interrupted>) {
        match self {
            Self::Interrupted(interrupted) => (context.reply(id, &interrupted), Some(interrupted)),
            Self::Gateway(message) => (id.map(|id| message.with_id(id)), None),
        }
    }
}

impl NestedOutcome {
    /// An outcome that changes nothing.
    pub fn unchanged() -> Self {
        Self {
            outcome: Ok(None),
            entries: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
