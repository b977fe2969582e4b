//! Ends of lines within a message, for framings by lines.

use std::ops::Range;

/// The places where a reader of lines may see the end of one, each with its replacement. Checked text has control
/// characters below U+0020 only between tokens, and characters beyond ASCII only in strings.
pub(crate) fn line_breaks(text: &[u8]) -> Vec<(Range<usize>, &'static str)> {
    // Most messages have no line breaks and cost only these two searches.
    let ends = memchr::memchr2_iter(b'\r', b'\n', text).map(|at| (at..at + 1, ""));
    let separators = memchr::memchr2_iter(0xc2, 0xe2, text).filter_map(|at| match text[at..] {
        [0xc2, 0x85, ..] => Some((at..at + 2, "\\u0085")),
        [0xe2, 0x80, 0xa8, ..] => Some((at..at + 3, "\\u2028")),
        [0xe2, 0x80, 0xa9, ..] => Some((at..at + 3, "\\u2029")),
        _ => None,
    });
    let mut breaks: Vec<_> = ends.chain(separators).collect();
    breaks.sort_unstable_by_key(|(at, _)| at.start);
    breaks
}

/// The length of `text` once [`Message::line`](crate::Message::line) has written it.
pub(crate) fn line_length(text: &[u8]) -> usize {
    let shorten = |length, (at, instead): (Range<usize>, &str)| length - at.len() + instead.len();
    line_breaks(text).into_iter().fold(text.len(), shorten)
}
