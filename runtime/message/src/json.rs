//! Checked JSON text. One parser decides for everybody: what it refuses no interceptor sees and no server gets, and
//! what it accepts reads the same to every later reader.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// How large a text may be before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text. At most `u32::MAX`, since offsets are kept in 32 bits.
    pub bytes: usize,
    /// Arrays and objects within one another.
    pub depth: usize,
}

impl Default for Limits {
    /// 4 MiB, 128 deep (what serde_json reads by default, so that no server reads deeper than was checked).
    fn default() -> Self {
        Self { bytes: 4 << 20, depth: 128 }
    }
}

/// Why a text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trouble} at byte {offset}")]
pub struct Malformed {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong there.
    pub trouble: Trouble,
}

/// What can be wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// RFC 3629.
    #[error("invalid UTF-8")]
    Utf8,
    /// RFC 8259; says what was expected.
    #[error("invalid JSON ({0})")]
    Syntax(&'static str),
    /// Two readers may take different ones of the two.
    #[error("duplicate key")]
    DuplicateKey,
    /// Half of a surrogate pair: no Unicode text.
    #[error("lone surrogate")]
    LoneSurrogate,
    /// Over [`Limits::depth`].
    #[error("nested deeper than {0}")]
    Depth(usize),
    /// Over [`Limits::bytes`].
    #[error("larger than {0} bytes")]
    Size(usize),
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A value within a checked text: cheap to clone, its bytes exactly as they came.
#[derive(Clone)]
pub struct Json {
    text: Arc<Checked>,
    root: u32,
}

/// The same, borrowed: for walking.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a Arc<Checked>,
    index: u32,
}

struct Checked {
    bytes: Bytes,
}

impl Json {
    /// Checks the text as a whole. Leading and trailing white space is kept out of the value.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, Malformed> {
        let _ = (bytes.into(), limits);
        todo!()
    }
    /// `{}`.
    pub fn empty_object() -> Self {
        todo!()
    }
    /// A JSON string with this content.
    pub fn string(content: &str) -> Self {
        let _ = content;
        todo!()
    }
    /// What serde makes of a value; an error where it is not representable in JSON.
    pub fn of(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        let _ = value;
        todo!()
    }
    /// To walk it.
    pub fn root(&self) -> Node<'_> {
        Node { text: &self.text, index: self.root }
    }
    /// The value's bytes as they came; shares the text's memory.
    pub fn bytes(&self) -> Bytes {
        let _ = &self.text.bytes;
        todo!()
    }
    /// The value's JSON text.
    pub fn as_str(&self) -> &str {
        todo!()
    }
    /// The value at an RFC 6901 pointer ("" is the whole).
    pub fn at(&self, pointer: &str) -> Option<Json> {
        self.root().at(pointer).map(|node| node.to_json())
    }
    /// The member of that (decoded) name, where this is an object.
    pub fn get(&self, name: &str) -> Option<Json> {
        self.root().get(name).map(|node| node.to_json())
    }
    /// Reads it as a Rust value.
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for Json {
    /// The same bytes; `1.0` and `1` differ.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for Json {}

impl fmt::Debug for Json {
    /// The size only: payloads do not reach logs by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.as_str().len())
    }
}

impl<'a> Node<'a> {
    /// What stands here.
    pub fn kind(&self) -> Kind {
        todo!()
    }
    /// The value's JSON text.
    pub fn as_str(&self) -> &'a str {
        todo!()
    }
    /// Where the value's text begins and ends within the *checked text's* bytes.
    pub fn span(&self) -> std::ops::Range<usize> {
        todo!()
    }
    /// The content of a string, escapes resolved; none for other kinds.
    pub fn string(&self) -> Option<Cow<'a, str>> {
        todo!()
    }
    /// The member of that (decoded) name, where this is an object.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        self.members().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    /// Members in document order; nothing for other kinds.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Node<'a>)> + use<'a> {
        std::iter::empty()
    }
    /// Elements in document order; nothing for other kinds.
    pub fn elements(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        std::iter::empty()
    }
    /// The value at an RFC 6901 pointer.
    pub fn at(&self, pointer: &str) -> Option<Node<'a>> {
        let _ = pointer;
        todo!()
    }
    /// Owned; shares the text.
    pub fn to_json(&self) -> Json {
        Json { text: self.text.clone(), root: self.index }
    }
}
