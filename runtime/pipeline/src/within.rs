//! Messages within a message: a reply that asks the client for input, a request that brings it, a task with its outcome.
//! They pass the interceptors as what they are, while the whole passes as what it is.

use std::fmt;
use std::sync::Arc;

use sandgate_message::{BoxFuture, Failure, Json, Message};

use crate::chain::Chain;
use crate::refusal::Reason;
use crate::round::Stop;
use crate::trail::TrailEntry;

/// Takes what a document carries through the interceptors.
pub trait Within: Send {
    /// Called once, after every mutator has had the document and before any validator judges it: so the validators see
    /// the final bytes, those of what is carried and those of the whole.
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, Through>;
}

/// What came of that.
#[derive(Debug)]
pub struct Through {
    /// The document where it is another one now, or why the whole does not go on.
    pub outcome: Result<Option<Json>, Held>,
    /// Runs that belong in the trail of the whole.
    pub entries: Vec<TrailEntry>,
}

/// Why a document does not go on because of what it carries.
#[derive(Clone, Debug)]
pub enum Held {
    /// An interceptor stopped something in it: the asker is told as if it had stopped the whole.
    Stopped(Halt),
    /// The gateway itself: this is the reply.
    Said(Box<Message>),
}

/// An interceptor that stopped a message, and why.
#[derive(Clone)]
pub struct Halt {
    /// The one that the place refers to.
    pub(crate) chain: Arc<Chain>,
    pub(crate) stop: Stop,
}

impl Halt {
    /// It did not judge the message: the gateway had too much to do.
    pub(crate) fn overloaded(&self) -> bool {
        matches!(self.stop.reason, Reason::Failed(Failure::Overload(_)))
    }
}

impl Through {
    /// Nothing changed.
    pub fn unchanged() -> Self {
        Self {
            outcome: Ok(None),
            entries: Vec::new(),
        }
    }
}

impl fmt::Debug for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halt").field("stop", &self.stop).finish()
    }
}

#[cfg(test)]
mod tests;
