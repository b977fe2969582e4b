//! A JSON document that stays in the gateway; only what is read crosses over.

use crate::bindings::contract::call;
use crate::decision::Edit;

/// Params or a reply. Each method asks the gateway: keep what it answered rather than ask twice.
pub struct Document<'a>(pub(crate) Source<'a>);

pub(crate) enum Source<'a> {
    Borrowed(&'a call::Document),
    Owned(call::Document),
    #[cfg(not(target_family = "wasm"))]
    Memory(crate::testing::Memory),
}

macro_rules! ask {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &$self.0 {
            Source::Borrowed(document) => document.$method($($argument),*),
            Source::Owned(document) => document.$method($($argument),*),
            #[cfg(not(target_family = "wasm"))]
            Source::Memory(document) => document.$method($($argument),*),
        }
    };
}

impl Document<'_> {
    /// Bytes of JSON text.
    pub fn size(&self) -> u64 {
        ask!(self.size())
    }

    /// The whole document as JSON text.
    pub fn json(&self) -> String {
        ask!(self.json())
    }

    /// The value at an RFC 6901 JSON Pointer as JSON text; none where nothing stands.
    pub fn get(&self, pointer: &str) -> Option<String> {
        ask!(self.get(pointer))
    }

    /// The value at an RFC 6901 JSON Pointer, `""` for the whole document, as this type: of `mcp` (with the feature of that name),
    /// or one of your own.
    ///
    /// # Errors
    ///
    /// Nothing stands there, or something else.
    pub fn parse<T: serde::de::DeserializeOwned>(&self, pointer: &str) -> serde_json::Result<T> {
        let text = if pointer.is_empty() {
            Some(self.json())
        } else {
            self.get(pointer)
        };
        serde_json::from_str(text.as_deref().unwrap_or("null"))
    }

    /// The string values that people or models read, in document order. Left out: protocol machinery (cursors,
    /// `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`).
    pub fn texts(&self) -> Texts {
        Texts(ask!(self.texts()))
    }

    /// Every string value, nothing left out.
    pub fn strings(&self) -> Texts {
        Texts(ask!(self.strings()))
    }

    /// Every member name, in document order.
    pub fn keys(&self) -> Texts {
        Texts(ask!(self.keys()))
    }

    /// Where the n-th of [`Self::texts`] stands; none where there are fewer.
    pub fn text_pointer(&self, index: u32) -> Option<String> {
        ask!(self.text_pointer(index))
    }

    /// Where the n-th of [`Self::strings`] stands; none where there are fewer.
    pub fn string_pointer(&self, index: u32) -> Option<String> {
        ask!(self.string_pointer(index))
    }
}

/// Texts of a document in one string, so that one scan does for all of them.
#[derive(Clone, Debug)]
pub struct Texts(pub(crate) call::TextRun);

impl Texts {
    /// All of them, each followed by a line feed.
    pub fn joined(&self) -> &str {
        &self.0.text
    }

    /// The byte offset in [`Self::joined`] at which the n-th ends, its line feed not counted.
    pub fn ends(&self) -> &[u32] {
        &self.0.ends
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// The n-th.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.0.ends.get(index)? as usize;
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.0.ends[before] as usize + 1);
        self.0.text.get(start..end)
    }

    /// In document order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

/// The smallest edits that put `change` into effect: it sees each of a document's texts and gives the new one, or none
/// where the text stays.
pub fn map_texts(document: &Document, mut change: impl FnMut(&str) -> Option<String>) -> Vec<Edit> {
    let texts = document.texts();
    (0u32..)
        .zip(texts.iter())
        .filter_map(|(index, text)| Some(Edit::Text((index, change(text)?))))
        .collect()
}
