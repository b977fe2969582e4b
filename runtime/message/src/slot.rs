//! The slots of a message's id and payload in its bytes, and how their values are replaced.

use std::ops::Range;

use bytes::Bytes;

/// The place of a member's value in the message's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The range of the value's bytes.
    Taken(Range<usize>),
    /// The member is absent. This is where it would be inserted, behind another member.
    Free(usize),
}

impl Slot {
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Taken(range) => range.start,
            Self::Free(at) => *at,
        }
    }
}

/// A copy of a message's text in the making, slot by slot in the order of the text.
pub(crate) struct Copy<'a> {
    of: &'a [u8],
    copied: usize,
    text: Vec<u8>,
}

impl<'a> Copy<'a> {
    /// Creates a copy with room for `growth` more bytes.
    pub(crate) fn new(of: &'a [u8], growth: usize) -> Self {
        Self {
            of,
            copied: 0,
            text: Vec::with_capacity(of.len() + growth),
        }
    }
    /// Copies up to a slot, then the slot's value or a new one. Returns the slot in the copy.
    pub(crate) fn slot(&mut self, slot: &Slot, name: &str, value: Option<&str>) -> Slot {
        self.up_to(slot.start());
        let old = match (slot, value) {
            (Slot::Free(_), None) => return Slot::Free(self.text.len()),
            (Slot::Free(at), Some(_)) => {
                self.text.extend_from_slice(b",\"");
                self.text.extend_from_slice(name.as_bytes());
                self.text.extend_from_slice(b"\":");
                *at..*at
            }
            (Slot::Taken(old), _) => old.clone(),
        };
        let start = self.text.len();
        self.text
            .extend_from_slice(value.map_or(&self.of[old.clone()], str::as_bytes));
        self.copied = old.end;
        Slot::Taken(start..self.text.len())
    }
    fn up_to(&mut self, at: usize) {
        self.text.extend_from_slice(&self.of[self.copied..at]);
        self.copied = at;
    }
    pub(crate) fn finish(mut self) -> Bytes {
        self.up_to(self.of.len());
        self.text.into()
    }
}
