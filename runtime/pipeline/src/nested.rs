//! Messages within a message: a reply that asks the client for input, a request that brings it, a task with its outcome.
//! They pass the interceptors as what they are, while the whole passes as what it is.

use sandgate_message::{BoxFuture, Id, Json, Message};

use crate::refusal::{Interrupted, RefusalContext};
use crate::trail::TrailEntry;

/// Takes what a document carries through the interceptors.
pub trait NestedMessages: Send {
    /// Called once, after every mutator has had the document and before any validator judges it: so the validators see
    /// the final bytes, those of what is carried and those of the whole.
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, NestedOutcome>;
}

/// What came of that.
#[derive(Debug)]
pub struct NestedOutcome {
    /// The document where it is another one now, or why the whole does not go on.
    pub outcome: Result<Option<Json>, NestedRefusal>,
    /// Runs that belong in the trail of the whole.
    pub entries: Vec<TrailEntry>,
}

/// Why a document does not go on because of a message in it.
#[derive(Clone, Debug)]
pub enum NestedRefusal {
    /// An interceptor stopped that message: the asker is told as if it had stopped the whole.
    Interrupted(Interrupted),
    /// The gateway itself stopped it: this is the reply.
    Gateway(Box<Message>),
}

impl NestedRefusal {
    /// The reply to the asker, and the interceptor that stopped the message, where one did.
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
    /// Nothing changed.
    pub fn unchanged() -> Self {
        Self {
            outcome: Ok(None),
            entries: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
