//! The strings of a document, flat: one copy, one scan.

use crate::json::Json;

/// Texts one after another, each followed by a line feed; `ends[n]` is the byte offset at which the n-th ends (its line
/// feed not counted).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TextRun {
    pub text: String,
    pub ends: Vec<u32>,
}

impl Json {
    /// The string values that people or models read, in document order. Left out: protocol machinery (cursors,
    /// `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`).
    pub fn texts(&self) -> TextRun {
        todo!()
    }
    /// Every string value, nothing left out.
    pub fn strings(&self) -> TextRun {
        todo!()
    }
    /// Every member name, in document order.
    pub fn keys(&self) -> TextRun {
        todo!()
    }
    /// Where the n-th of [`Self::texts`] stands (RFC 6901).
    pub fn text_pointer(&self, index: u32) -> Option<String> {
        let _ = index;
        todo!()
    }
    /// Where the n-th of [`Self::strings`] stands (RFC 6901).
    pub fn string_pointer(&self, index: u32) -> Option<String> {
        let _ = index;
        todo!()
    }
}
