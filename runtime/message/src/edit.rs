//! An edit of a document, and why edits were refused.

use crate::json_error::JsonError;

/// A change to a document, as the plugin contract defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// (pointer, JSON text): replaces a value, adds a member, or appends an element (`/-`).
    Set(String, String),
    /// (pointer): removes a value.
    Remove(String),
    /// (index in `texts`, new text): replaces a text.
    Text(u32, String),
}

/// Why a list of edits was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer leads nowhere: there is nothing to remove, or no parent to add to.
    #[error("edit {index}: nothing at {pointer:?}")]
    Missing {
        /** The edit's index in the list. */
        index: usize,
        /** The pointer as it was given. */
        pointer: String,
    },
    /// The string is not a pointer (RFC 6901), or not usable for this edit (`-` in a removal).
    #[error("edit {index}: {pointer:?} is not usable here")]
    Pointer {
        /** The edit's index in the list. */
        index: usize,
        /** The pointer as it was given. */
        pointer: String,
    },
    /// The document has no text of this index.
    #[error("edit {index}: text {text} of {count}")]
    Text {
        /** The edit's index in the list. */
        index: usize,
        /** The index that was asked for. */
        text: u32,
        /** The number of texts in the document. */
        count: usize,
    },
    /// Two edits touch the same place.
    #[error("edits {first} and {second} overlap")]
    Overlap {
        /** The index of the earlier edit in the list. */
        first: usize,
        /** The index of the later edit in the list. */
        second: usize,
    },
    /// The value to put in is not JSON text.
    #[error("edit {index}: {why}")]
    Value {
        /** The edit's index in the list. */
        index: usize,
        /** What is wrong with the value. */
        why: JsonError,
    },
    /// The result exceeds a limit.
    #[error("the edited document is {0}")]
    Result(JsonError),
}
