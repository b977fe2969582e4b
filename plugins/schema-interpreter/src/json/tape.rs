//! The list of nodes, and the ways to walk it.

use std::borrow::Cow;
use std::cell::Cell;

use super::number::Number;
use super::parse::unescaped;

/// A parsed document. The node of a container is followed by the nodes of its members or elements. The name of a member
/// is a node of its own, before the member's value.
pub struct Tape<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<Node>,
    /// Levels of containers in the document.
    pub(super) depth: usize,
    /// Whether some object may have two members of the same name.
    pub(super) may_repeat: bool,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number, integer or not.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
    /// The name of a member, which is not a value.
    Name,
}

#[derive(Clone)]
pub(super) struct Node {
    /// Where the node's text begins, in bytes. For a string or name: after the quote.
    pub(super) start: u32,
    /// Where the node's text ends, in bytes. For a container: the index of the first node after the container.
    pub(super) end: u32,
    /// For a name: its hash. For a container: how many members or elements it has. Otherwise free for the reader of the
    /// tape.
    pub(super) note: Cell<u32>,
    pub(super) kind: Kind,
    /// Whether the text of a string or name has escapes.
    pub(super) has_escapes: bool,
    /// For a name: the number of its keyword, 0 for none.
    pub(super) word: u8,
    /// Free for the reader of the tape.
    pub(super) mark: Cell<bool>,
}

/// A value of a tape, or the name of a member.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tape: &'t Tape<'t>,
    at: u32,
}

impl<'t> Tape<'t> {
    /// The value of the whole document.
    pub fn root(&'t self) -> Value<'t> {
        self.value(0)
    }

    /// Whether some object may have two members of the same name. Names are compared by their hashes, so the answer is
    /// rarely a false "yes" and never a false "no".
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// The value with that [`Value::index`].
    pub(crate) fn value(&'t self, at: u32) -> Value<'t> {
        Value { tape: self, at }
    }
}

impl<'t> Value<'t> {
    fn node(self) -> &'t Node {
        &self.tape.nodes[self.at as usize]
    }

    /// The index of the value's node in its tape.
    pub(crate) fn index(self) -> u32 {
        self.at
    }

    /// The value of the same tape with that [`Value::index`].
    pub(crate) fn beside(self, at: u32) -> Self {
        self.tape.value(at)
    }

    /// Levels of containers in the whole document, not only below this value.
    pub(crate) fn depth_of_document(self) -> usize {
        self.tape.depth
    }

    /// [`Tape::may_repeat`] of the whole document.
    pub(crate) fn may_repeat(self) -> bool {
        self.tape.may_repeat
    }

    /// The kind of the value.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Whether the value is of that kind.
    pub fn is(self, kind: Kind) -> bool {
        self.kind() == kind
    }

    /// The text as it is written. For a string or name: what stands between its quotes, with escapes. Not meaningful
    /// for a container.
    pub fn raw(self) -> &'t str {
        let node = self.node();
        &self.tape.text[node.start as usize..node.end as usize]
    }

    /// Whether [`Self::raw`] has escapes and so differs from [`Self::text`].
    pub fn has_escapes(self) -> bool {
        self.node().has_escapes
    }

    /// The text of a string or name, with escapes resolved.
    pub fn text(self) -> Cow<'t, str> {
        if self.has_escapes() {
            unescaped(self.raw())
        } else {
            Cow::Borrowed(self.raw())
        }
    }

    /// The text of a string. `None` for every other kind.
    pub fn as_text(self) -> Option<Cow<'t, str>> {
        self.is(Kind::String).then(|| self.text())
    }

    /// The value of a number.
    pub(crate) fn number(self) -> Number {
        Number::of(self.raw())
    }

    /// How many members or elements a container has. 0 for every other kind.
    #[allow(clippy::len_without_is_empty, reason = "scalars have neither")]
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().note.get() as usize,
            _ => 0,
        }
    }

    /// For a name: the number of its keyword, 0 for none.
    pub(crate) fn word(self) -> u8 {
        self.node().word
    }

    /// For a name: its hash. For a string: the note of [`Self::set_note`], 0 at first.
    pub(crate) fn note(self) -> u32 {
        self.node().note.get()
    }

    pub(crate) fn set_note(self, note: u32) {
        self.node().note.set(note);
    }

    /// Whether [`Self::set_mark`] was called for this node.
    pub(crate) fn is_marked(self) -> bool {
        self.node().mark.get()
    }

    pub(crate) fn set_mark(self) {
        self.node().mark.set(true);
    }

    /// The index of the first node after this value and everything in it.
    pub(crate) fn behind(self) -> u32 {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().end,
            _ => self.at + 1,
        }
    }

    /// The names and values of an object, repeated names included. Empty for every other kind.
    pub fn members(self) -> impl Iterator<Item = (Value<'t>, Value<'t>)> {
        let end = if self.is(Kind::Object) {
            self.behind()
        } else {
            0
        };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let name = self.tape.value(at);
                let value = self.tape.value(at + 1);
                at = value.behind();
                (name, value)
            })
        })
    }

    /// The elements of an array. Empty for every other kind.
    pub fn elements(self) -> impl Iterator<Item = Value<'t>> {
        let end = if self.is(Kind::Array) {
            self.behind()
        } else {
            0
        };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let value = self.tape.value(at);
                at = value.behind();
                value
            })
        })
    }

    /// The value of the member of that name. Of several such members the last one counts, as in serde_json.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        let hash = hash(name.as_bytes());
        let of_that_name =
            |(member, _): &(Value, Value)| member.note() == hash && member.text() == name;
        Some(self.members().filter(of_that_name).last()?.1)
    }

    /// The value of the member that has the same name as `name`, which may belong to another tape. Of several the last
    /// one counts.
    pub fn get_as(self, name: Value) -> Option<Value<'t>> {
        Some(
            self.members()
                .filter(|(own, _)| own.is_named(name))
                .last()?
                .1,
        )
    }

    /// Whether two names are equal. Names with different hashes are not compared further.
    pub(crate) fn is_named(self, other: Value) -> bool {
        self.note() == other.note() && self.says(other)
    }

    /// Whether two strings or names have the same text.
    pub(crate) fn says(self, other: Value) -> bool {
        if self.has_escapes() || other.has_escapes() {
            self.text() == other.text()
        } else {
            self.raw() == other.raw()
        }
    }

    /// Converts the value to a `serde_json::Value`.
    ///
    /// # Errors
    ///
    /// None in practice: the parser has accepted the text already.
    pub fn to_json(self) -> serde_json::Result<serde_json::Value> {
        let node = self.node();
        let text = match self.kind() {
            Kind::String | Kind::Name => {
                &self.tape.text[node.start as usize - 1..=node.end as usize]
            }
            Kind::Array | Kind::Object => {
                let mut reader =
                    serde_json::Deserializer::from_str(&self.tape.text[node.start as usize..]);
                return serde::Deserialize::deserialize(&mut reader);
            }
            _ => self.raw(),
        };
        serde_json::from_str(text)
    }
}

/// The hash of a name's bytes. Two names may have the same hash.
pub(crate) const fn hash(name: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = name.len() as u64;
    let mut rest = name;
    while let Some((word, behind)) = rest.split_first_chunk() {
        hash = (hash.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
        rest = behind;
    }
    let mut last = 0;
    while let Some((byte, behind)) = rest.split_first() {
        last = last << 8 | *byte as u64;
        rest = behind;
    }
    hash = (hash.rotate_left(29) ^ last).wrapping_mul(FACTOR);
    (hash >> 32) as u32
}
