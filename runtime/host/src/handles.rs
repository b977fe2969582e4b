//! The resource handles of `wit/` that a guest holds during a hook: one for the call, one for each document.

/// Stands for the call; there is one, so the handle carries nothing.
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct ContextHandle;

/// Stands for a document; its number says which ([`DOCUMENT`] or [`SENT`]).
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct DocumentHandle;

/// The document in question.
pub(crate) const DOCUMENT: u32 = 0;
/// The params as they were sent.
pub(crate) const SENT: u32 = 1;
