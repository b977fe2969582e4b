//! The notes that pre-calls leave for their post-calls.

use std::sync::Arc;

use crate::trial::CandidateNotes;

/// The notes that pre-calls left for their post-calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Notes by place in the chain.
    pub(crate) live: Vec<(usize, Arc<[u8]>)>,
    /// Notes of candidates. `None` until a candidate is offered a pre-call.
    pub(crate) candidates: Option<Box<CandidateNotes>>,
}
