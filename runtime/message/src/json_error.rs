//! The limits of a text, and why a text was refused.

/// The limits of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of the whole text. Never more than 512 MiB, whatever is given here.
    pub bytes: usize,
    /// The most levels of nested arrays and objects.
    pub depth: usize,
}

impl Default for Limits {
    /// 4 MiB, and 127 levels: the deepest that serde_json reads by default, so that every accepted text can be read
    /// everywhere.
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            depth: 127,
        }
    }
}

impl Limits {
    /// Only the limits of the representation, for texts that the gateway itself wrote.
    pub(crate) const NONE: Self = Self {
        bytes: usize::MAX,
        depth: usize::MAX,
    };
}

/// Why a text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trouble} at byte {offset}")]
pub struct JsonError {
    /// The byte offset in the text.
    pub offset: usize,
    /// What is wrong at the offset.
    pub trouble: JsonErrorKind,
}

/// What can be wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The text is not UTF-8 (RFC 3629).
    #[error("invalid UTF-8")]
    Utf8,
    /// The text is not JSON (RFC 8259). Says what was expected.
    #[error("invalid JSON ({0})")]
    Syntax(&'static str),
    /// An object has two members of one name: two readers may take different ones.
    #[error("duplicate key")]
    DuplicateKey,
    /// A string has half of a surrogate pair, so it is not Unicode text.
    #[error("lone surrogate")]
    LoneSurrogate,
    /// The text exceeds [`Limits::depth`].
    #[error("nested deeper than {0}")]
    Depth(usize),
    /// The text exceeds [`Limits::bytes`].
    #[error("larger than {0} bytes")]
    Size(usize),
}

/// Something else was expected there.
pub(crate) fn wrong(offset: usize, expected: &'static str) -> JsonError {
    JsonError {
        offset,
        trouble: JsonErrorKind::Syntax(expected),
    }
}
