//! The resource handles of `wit/` that a guest holds during a hook: one for the call, one for each document.

/// The handle of the call. A run has one call, so the handle carries no data.
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct ContextHandle;

/// The handle of a document. The number of the resource says which document: [`DOCUMENT`] or [`SENT`].
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub struct DocumentHandle;

/// The document that the hook decides on: the params in a pre-call, the reply in a post-call.
pub(crate) const DOCUMENT: u32 = 0;
/// In a post-call: the params as they were sent.
pub(crate) const SENT: u32 = 1;
