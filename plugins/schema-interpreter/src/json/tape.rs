//! The row of nodes, and ways through it.

use std::borrow::Cow;
use std::cell::Cell;

use super::number::Number;
use super::parse::unescaped;

/// A document. A container's node stands before those of its members or elements; a member's name is a node too.
pub struct Tape<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<Node>,
    /// Levels of containers.
    pub(super) depth: usize,
    pub(super) may_repeat: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number of any kind.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// Members with names.
    Object,
    /// A member's name: no value.
    Name,
}

#[derive(Clone)]
pub(super) struct Node {
    pub(super) start: u32,
    /// Behind the text; of a container: the index of the node behind its last.
    pub(super) end: u32,
    /// Of a name: its hash. Of a container: how many it holds. Else free for whoever reads the tape.
    pub(super) note: Cell<u32>,
    pub(super) kind: Kind,
    /// Of a string or name.
    pub(super) has_escapes: bool,
    /// Of a name: the keyword that it is.
    pub(super) word: u8,
    /// Free for whoever reads the tape.
    pub(super) mark: Cell<bool>,
}

/// One value of a tape, or a member's name.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tape: &'t Tape<'t>,
    at: u32,
}

impl<'t> Tape<'t> {
    /// The whole.
    pub fn root(&'t self) -> Value<'t> {
        self.value(0)
    }

    /// Whether some object may have two members of one name. Rarely true where none has.
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// The value whose [`Value::index`] was this.
    pub(crate) fn value(&'t self, at: u32) -> Value<'t> {
        Value { tape: self, at }
    }
}

impl<'t> Value<'t> {
    fn node(self) -> &'t Node {
        &self.tape.nodes[self.at as usize]
    }

    /// Where it stands in its tape.
    pub(crate) fn index(self) -> u32 {
        self.at
    }

    /// The value of the same tape whose [`Value::index`] was this.
    pub(crate) fn beside(self, at: u32) -> Self {
        self.tape.value(at)
    }

    /// Levels of containers in the whole document.
    pub(crate) fn depth_of_document(self) -> usize {
        self.tape.depth
    }

    /// Whether names may repeat anywhere in the document.
    pub(crate) fn may_repeat(self) -> bool {
        self.tape.may_repeat
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Whether it is that.
    pub fn is(self, kind: Kind) -> bool {
        self.kind() == kind
    }

    /// The text of a number; of a string or name what stands between its quotes.
    pub fn raw(self) -> &'t str {
        let node = self.node();
        &self.tape.text[node.start as usize..node.end as usize]
    }

    /// Whether [`Self::raw`] is not what it says.
    pub fn has_escapes(self) -> bool {
        self.node().has_escapes
    }

    /// What a string or name says.
    pub fn text(self) -> Cow<'t, str> {
        if self.has_escapes() {
            unescaped(self.raw())
        } else {
            Cow::Borrowed(self.raw())
        }
    }

    /// What it says, where it is a string.
    pub fn as_text(self) -> Option<Cow<'t, str>> {
        self.is(Kind::String).then(|| self.text())
    }

    /// Of a number.
    pub(crate) fn number(self) -> Number {
        Number::of(self.raw())
    }

    /// How many members or elements.
    #[allow(clippy::len_without_is_empty, reason = "scalars have neither")]
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().note.get() as usize,
            _ => 0,
        }
    }

    /// The keyword that a name is.
    pub(crate) fn word(self) -> u8 {
        self.node().word
    }

    /// Of a name: its hash. Of a string: what [`Self::set_note`] put there, at first 0.
    pub(crate) fn note(self) -> u32 {
        self.node().note.get()
    }

    pub(crate) fn set_note(self, note: u32) {
        self.node().note.set(note);
    }

    /// What [`Self::set_mark`] put there, at first false.
    pub(crate) fn is_marked(self) -> bool {
        self.node().mark.get()
    }

    pub(crate) fn set_mark(self) {
        self.node().mark.set(true);
    }

    /// The index behind it and all that it holds.
    pub(crate) fn behind(self) -> u32 {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().end,
            _ => self.at + 1,
        }
    }

    /// Names and values; none where it is no object. Where names repeat, all of them.
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

    /// None where it is no array.
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

    /// The last member of that name, as serde_json has it.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        let hash = hash(name.as_bytes());
        let of_that_name =
            |(member, _): &(Value, Value)| member.note() == hash && member.text() == name;
        Some(self.members().filter(of_that_name).last()?.1)
    }

    /// The member named as that one is.
    pub fn get_as(self, name: Value) -> Option<Value<'t>> {
        Some(
            self.members()
                .filter(|(own, _)| own.is_named(name))
                .last()?
                .1,
        )
    }

    /// Whether two names are the same.
    pub(crate) fn is_named(self, other: Value) -> bool {
        self.note() == other.note() && self.says(other)
    }

    /// Whether two strings or names say the same.
    pub(crate) fn says(self, other: Value) -> bool {
        if self.has_escapes() || other.has_escapes() {
            self.text() == other.text()
        } else {
            self.raw() == other.raw()
        }
    }

    /// The same as serde_json has it.
    ///
    /// # Errors
    ///
    /// None that reading the tape would not have had.
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

/// Of a name's bytes. Two names may share one.
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
