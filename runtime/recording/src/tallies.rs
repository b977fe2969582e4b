//! Counts of calls to record, and what one weighs.

use std::sync::atomic::AtomicU64;

use sandgate_gateway::CapturedCall;

/// The counts of calls to record by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) written: AtomicU64,
    pub(crate) queue: AtomicU64,
    pub(crate) orphaned: AtomicU64,
    pub(crate) unplaced: AtomicU64,
    pub(crate) unlike: AtomicU64,
    pub(crate) left: AtomicU64,
    pub(crate) large: AtomicU64,
    pub(crate) failed: AtomicU64,
}

pub(crate) fn size(taken: &CapturedCall) -> usize {
    let payload = |message: &sandgate_message::Message| message.payload().as_str().len();
    payload(&taken.message) + taken.reply.as_ref().map_or(0, payload)
}
