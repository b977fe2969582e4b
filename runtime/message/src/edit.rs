//! Edits spliced into the bytes; everything else stays byte for byte.

use crate::decision::Edit;
use crate::json::{Json, Limits, Malformed};

/// Why a list of edits was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer leads nowhere: nothing to remove, or no parent to add to.
    #[error("edit {index}: nothing at {pointer:?}")]
    Missing { /** Which edit. */ index: usize, /** As it was given. */ pointer: String },
    /// Not a pointer (RFC 6901), or one that cannot be used so (`-` in a removal).
    #[error("edit {index}: {pointer:?} is not usable here")]
    Pointer { /** Which edit. */ index: usize, /** As it was given. */ pointer: String },
    /// No such text.
    #[error("edit {index}: text {text} of {count}")]
    Text { /** Which edit. */ index: usize, /** Asked for. */ text: u32, /** There are. */ count: usize },
    /// Two edits touch the same place.
    #[error("edits {first} and {second} overlap")]
    Overlap { /** The one. */ first: usize, /** The other. */ second: usize },
    /// What was to be put in is no JSON text.
    #[error("edit {index}: {why}")]
    Value { /** Which edit. */ index: usize, /** What is wrong with it. */ why: Malformed },
    /// The result is over a limit.
    #[error("the edited document is {0}")]
    Result(Malformed),
}

/// Applies the edits together; pointers and text indexes refer to `document` as it is now.
pub fn apply(document: &Json, edits: &[Edit], limits: &Limits) -> Result<Json, EditError> {
    let _ = (document, edits, limits);
    todo!()
}
