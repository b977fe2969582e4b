//! The tape: the index of a checked text, as one flat list of entries in document order.

/// The kind of a value.
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

/// The tag of an entry: a value, or the name of the member whose value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
    Key,
}

/// A value or member name. Entries have twelve bytes, since a hostile text has one for every two bytes of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The offset where the entry's text begins.
    pub(crate) start: u32,
    /// The offset where the entry's text ends. While an array or object is still being read, the index of its parent.
    pub(crate) end: u32,
    /// The number of entries that this one spans, itself included, in the upper 28 bits; then a bit for a string with
    /// escapes; then the tag in the lowest three bits.
    packed: u32,
}

/// The largest text in bytes. Larger texts could have more entries than 28 bits count.
pub(crate) const MAX_BYTES: usize = 1 << 29;

const TAG_BITS: u32 = 0b111;
const ESCAPED: u32 = 0b1000;
const SPAN_SHIFT: u32 = 4;

impl Entry {
    pub(crate) fn new(tag: Tag, start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
            packed: tag as u32 | 1 << SPAN_SHIFT,
        }
    }
    pub(crate) fn text(tag: Tag, start: usize, end: usize, escaped: bool) -> Self {
        let mut entry = Self::new(tag, start, end);
        entry.packed |= u32::from(escaped) * ESCAPED;
        entry
    }
    pub(crate) fn open(tag: Tag, start: usize, parent: u32) -> Self {
        Self {
            start: start as u32,
            end: parent,
            packed: tag as u32,
        }
    }
    /// Closes an array or object that spans this many entries.
    pub(crate) fn close(&mut self, end: usize, entries: usize) {
        self.end = end as u32;
        self.packed = self.packed & TAG_BITS | (entries as u32) << SPAN_SHIFT;
    }
    pub(crate) fn tag(self) -> Tag {
        match self.packed & TAG_BITS {
            0 => Tag::Null,
            1 => Tag::Bool,
            2 => Tag::Number,
            3 => Tag::String,
            4 => Tag::Array,
            5 => Tag::Object,
            _ => Tag::Key,
        }
    }
    pub(crate) fn kind(self) -> Kind {
        match self.tag() {
            Tag::Null => Kind::Null,
            Tag::Bool => Kind::Bool,
            Tag::Number => Kind::Number,
            Tag::String | Tag::Key => Kind::String,
            Tag::Array => Kind::Array,
            Tag::Object => Kind::Object,
        }
    }
    /// Whether the entry is a string or member name with at least one escape.
    pub(crate) fn escaped(self) -> bool {
        self.packed & ESCAPED != 0
    }
    /// The number of entries that this one spans, itself included: the distance to the next sibling.
    pub(crate) fn span(self) -> u32 {
        self.packed >> SPAN_SHIFT
    }
    /// The range of the entry's text.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
    /// The range of the text between the quotes of a string or member name.
    pub(crate) fn content(self) -> std::ops::Range<usize> {
        self.start as usize + 1..self.end as usize - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_tag_escapes_and_span_apart() {
        let name = Entry::text(Tag::Key, 3, 9, true);
        assert_eq!(
            (name.tag(), name.escaped(), name.span(), name.content()),
            (Tag::Key, true, 1, 4..8)
        );
        let mut object = Entry::open(Tag::Object, 0, u32::MAX);
        object.close(MAX_BYTES, (1 << 28) - 1);
        assert_eq!(
            (object.tag(), object.escaped(), object.span()),
            (Tag::Object, false, (1 << 28) - 1)
        );
        assert_eq!(object.range(), 0..MAX_BYTES);
    }

    #[test]
    fn an_entry_takes_twelve_bytes() {
        assert_eq!(size_of::<Entry>(), 12);
    }
}
