//! The mark in a value's place.

use std::ops::Range;

/// What stands in a value's place. It names nothing.
pub const MARK: &str = "[redacted]";

/// The text with marks in place of the ranges. A range that cuts a character takes it along.
pub(crate) fn replaced(text: &str, found: &[Range<usize>]) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        let start = text.floor_char_boundary(range.start).max(at);
        out.push_str(&text[at..start]);
        out.push_str(MARK);
        at = text.ceil_char_boundary(range.end);
    }
    out.push_str(&text[at..]);
    Some(out)
}
