//! Checked JSON text. One parser decides for everybody: what it refuses no interceptor sees and no server gets, and
//! what it accepts reads the same to every later reader.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use bytestring::ByteString;

use crate::escape::quote_into;
use crate::node::Node;
use crate::scan::{check_size, scan};
use crate::tape::{Entry, Tag};

/// How large a text may be before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text. Never more than 512 MiB, whatever is given here.
    pub bytes: usize,
    /// Arrays and objects within one another.
    pub depth: usize,
}

impl Default for Limits {
    /// 4 MiB, 127 deep: the deepest that serde_json reads by default, so that what was accepted can be read everywhere.
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            depth: 127,
        }
    }
}

impl Limits {
    /// Only what the representation asks for: for texts that the gateway itself wrote.
    pub(crate) const NONE: Self = Self {
        bytes: usize::MAX,
        depth: usize::MAX,
    };
}

/// Why a text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trouble} at byte {offset}")]
pub struct JsonError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong there.
    pub trouble: JsonErrorKind,
}

/// What can be wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
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

/// A text that was accepted, and its tape.
pub(crate) struct Checked {
    pub(crate) text: ByteString,
    pub(crate) tape: Vec<Entry>,
    /// What lives as long as the text: see [`Json::keep`].
    kept: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Checked {
    fn new(text: ByteString, tape: Vec<Entry>) -> Arc<Self> {
        Arc::new(Self {
            text,
            tape,
            kept: OnceLock::new(),
        })
    }
}

/// Bytes counted for a text beside its own: the values around it, and what else of a read buffer the text keeps alive.
pub(crate) const AROUND: usize = 4 << 10;

impl Json {
    /// Checks the text as a whole. Leading and trailing white space is kept out of the value.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, JsonError> {
        let bytes = bytes.into();
        check_size(bytes.len(), limits)?;
        let text = ByteString::try_from(bytes).map_err(|error| JsonError {
            offset: error.valid_up_to(),
            trouble: JsonErrorKind::Utf8,
        })?;
        let tape = scan(&text, limits)?;
        Ok(Self {
            text: Checked::new(text, tape),
            root: 0,
        })
    }
    /// `{}`.
    pub fn empty_object() -> Self {
        static EMPTY: LazyLock<Json> = LazyLock::new(|| Json {
            text: Checked::new("{}".into(), vec![Entry::new(Tag::Object, 0, 2)]),
            root: 0,
        });
        EMPTY.clone()
    }
    /// The same in memory of its own, which something may be kept with.
    pub(crate) fn own_empty_object() -> Self {
        Self {
            text: Checked::new("{}".into(), vec![Entry::new(Tag::Object, 0, 2)]),
            root: 0,
        }
    }
    /// A JSON string with this content.
    ///
    /// # Panics
    /// Where the JSON text would be larger than 512 MiB.
    pub fn string(content: &str) -> Self {
        let mut json = String::new();
        quote_into(content, &mut json);
        assert!(
            json.len() <= crate::tape::MAX_BYTES,
            "a JSON string of more than 512 MiB"
        );
        let entry = Entry::text(Tag::String, 0, json.len(), json.contains('\\'));
        Self {
            text: Checked::new(json.into(), vec![entry]),
            root: 0,
        }
    }
    /// What serde makes of a value; an error where it is not representable in JSON.
    pub fn of(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Self::parse(serde_json::to_vec(value)?, &Limits::NONE).map_err(serde::ser::Error::custom)
    }
    /// Bytes of memory that the whole text of which this value is a part counts as: the text twice (an edit, or the
    /// frame that it is sent in, is a copy), its index, and what stands around it.
    pub(crate) fn memory(&self) -> usize {
        let index = self.text.tape.capacity() * size_of::<Entry>();
        self.text.text.len() * 2 + index + AROUND
    }
    /// Keeps something until nobody holds this text any more: the permit for its memory. Of several, the first is kept.
    pub(crate) fn keep(&self, kept: impl Any + Send + Sync) {
        let _ = self.text.kept.set(Box::new(kept));
    }
    /// To walk it.
    pub fn root(&self) -> Node<'_> {
        Node::new(&self.text, self.root)
    }
    /// The value's bytes as they came; shares the text's memory.
    pub fn bytes(&self) -> Bytes {
        self.text.text.as_bytes().slice(self.root().span())
    }
    /// The value's JSON text.
    pub fn as_str(&self) -> &str {
        self.root().as_str()
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

impl Json {
    /// The value at that entry of the tape.
    pub(crate) fn within(text: Arc<Checked>, root: u32) -> Self {
        Self { text, root }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Json {
        Json::parse(text, &Limits::default()).expect("valid")
    }

    #[test]
    fn a_value_shares_the_memory_of_the_text_it_came_in() {
        let bytes = Bytes::from(r#" {"a":[1.0,"x"]} "#.to_string());
        let json = Json::parse(bytes.clone(), &Limits::default()).expect("valid");
        assert_eq!(json.bytes().as_ptr(), bytes[1..].as_ptr());
        let inner = json.at("/a").expect("there");
        assert_eq!(inner.bytes(), &b"[1.0,\"x\"]"[..]);
        assert_eq!(inner.bytes().as_ptr(), bytes[6..].as_ptr());
    }

    #[test]
    fn a_value_within_a_text_walks_like_a_text_of_its_own() {
        let inner = parse(r#"{"before":["no"],"it":{"a":"x","b":[1,{"c":"y"}]},"after":"no"}"#)
            .get("it")
            .expect("there");
        let alone = parse(r#"{"a":"x","b":[1,{"c":"y"}]}"#);
        assert_eq!(inner, alone);
        assert_eq!(inner.at("/b/1/c"), alone.at("/b/1/c"));
        assert_eq!(inner.strings(), alone.strings());
        assert_eq!(inner.keys(), alone.keys());
        assert_eq!(inner.string_pointer(1).as_deref(), Some("/b/1/c"));
    }

    #[test]
    fn values_made_here_are_what_the_parser_makes_of_their_text() {
        assert_eq!(Json::empty_object(), parse("{}"));
        assert_eq!(Json::empty_object().root().members().count(), 0);
        for content in ["", "plain", "two\nlines", "\"\\", "é\u{0}"] {
            let json = Json::string(content);
            assert_eq!(json.root().string().as_deref(), Some(content));
            let parsed = Json::parse(json.bytes(), &Limits::default()).expect("valid");
            assert_eq!(parsed.root().string().as_deref(), Some(content));
        }
        let made = Json::of(&serde_json::json!({"a": [1, null]})).expect("representable");
        assert_eq!(made.as_str(), r#"{"a":[1,null]}"#);
        assert_eq!(
            made.to::<serde_json::Value>().expect("readable"),
            serde_json::json!({"a": [1, null]})
        );
    }

    #[test]
    fn a_value_that_serde_writes_with_two_equal_names_is_refused() {
        struct Twice;
        impl serde::Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([("a", 1), ("a", 2)])
            }
        }
        assert!(Json::of(&Twice).is_err());
    }

    #[test]
    fn equality_is_of_bytes() {
        assert_eq!(parse(" [1.0]\n"), parse("[1.0]"));
        assert_ne!(parse("[1.0]"), parse("[1]"));
    }

    #[test]
    fn debugging_a_value_shows_no_payload() {
        let json = parse(r#"{"card":"4111111111111111"}"#);
        assert_eq!(format!("{json:?}"), "Json(27 bytes)");
        assert_eq!(format!("{:?}", json.root()), "Object(27 bytes)");
    }
}
