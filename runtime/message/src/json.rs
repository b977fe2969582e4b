//! Checked JSON text. One parser decides for everybody: a text that it refuses reaches no interceptor and no server,
//! and a text that it accepts reads the same to every later reader.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use bytestring::ByteString;

use crate::checked::Checked;
use crate::escape::quote_into;
use crate::json_error::{JsonError, JsonErrorKind, Limits};
use crate::node::Node;
use crate::scan::{check_size, scan};
use crate::tape::{Entry, Tag};

/// A value within a checked text. Cheap to clone; its bytes are exactly as they came.
#[derive(Clone)]
pub struct Json {
    text: Arc<Checked>,
    root: u32,
}

/// The bytes counted for a text besides its own: the values around it, and the rest of a read buffer that the text
/// keeps alive.
pub(crate) const AROUND: usize = 4 << 10;

impl Json {
    /// Parses and checks the text as a whole. White space around the value is not part of the value.
    ///
    /// # Errors
    ///
    /// The text is not valid JSON, or it exceeds a limit.
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
    /// The empty object, `{}`.
    pub fn empty_object() -> Self {
        static EMPTY: LazyLock<Json> = LazyLock::new(|| Json {
            text: Checked::new("{}".into(), vec![Entry::new(Tag::Object, 0, 2)]),
            root: 0,
        });
        EMPTY.clone()
    }
    /// The empty object in memory of its own, so that [`Json::keep`] can be used on it.
    pub(crate) fn own_empty_object() -> Self {
        Self {
            text: Checked::new("{}".into(), vec![Entry::new(Tag::Object, 0, 2)]),
            root: 0,
        }
    }
    /// A JSON string with this content.
    ///
    /// # Panics
    ///
    /// Panics if the JSON text would be larger than 512 MiB.
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
    /// Serializes a value.
    ///
    /// # Errors
    ///
    /// The value is not representable in JSON.
    pub fn of(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Self::parse(serde_json::to_vec(value)?, &Limits::NONE).map_err(serde::ser::Error::custom)
    }
    /// The bytes of memory that this value's whole text counts as: the text twice (an edit, or the frame that it is
    /// sent in, is a copy), its index, and what surrounds it.
    pub(crate) fn memory(&self) -> usize {
        let index = self.text.tape.capacity() * size_of::<Entry>();
        self.text.text.len() * 2 + index + AROUND
    }
    /// Keeps a value, such as the permit for the text's memory, until nobody holds the text any more. The first value
    /// is kept, later ones are dropped.
    pub(crate) fn keep(&self, kept: impl Any + Send + Sync) {
        self.text.keep(kept);
    }
    /// The root of the value, for walking it.
    pub fn root(&self) -> Node<'_> {
        Node::new(&self.text, self.root)
    }
    /// The value's bytes as they came. They share the text's memory.
    pub fn bytes(&self) -> Bytes {
        self.text.text.as_bytes().slice(self.root().span())
    }
    /// The value's JSON text.
    pub fn as_str(&self) -> &str {
        self.root().as_str()
    }
    /// The value at an RFC 6901 pointer. `""` is the whole.
    pub fn at(&self, pointer: &str) -> Option<Json> {
        self.root().at(pointer).map(|node| node.to_json())
    }
    /// The member of that (decoded) name, if this is an object.
    pub fn get(&self, name: &str) -> Option<Json> {
        self.root().get(name).map(|node| node.to_json())
    }
    /// Deserializes the value.
    ///
    /// # Errors
    ///
    /// The value does not fit the type.
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl Node<'_> {
    /// The value as an owned [`Json`], which shares the text.
    pub fn to_json(&self) -> Json {
        Json {
            text: self.text().clone(),
            root: self.index(),
        }
    }
}

impl PartialEq for Json {
    /// Compares the bytes: `1.0` and `1` differ.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for Json {}

impl fmt::Debug for Json {
    /// Prints the size only, so that payloads do not reach logs by accident.
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
