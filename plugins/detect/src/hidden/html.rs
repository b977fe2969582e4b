//! Comments and hidden elements of HTML.

use super::Kinds;

/// How many bytes of one tag are read.
const LONGEST: usize = 512;

/// Values of `style` that hide an element, without spaces.
const HIDING: [&[u8]; 9] = [
    b"display:none",
    b"visibility:hidden",
    b"font-size:0",
    b"font-size:1px",
    b"opacity:0;",
    b"opacity:0\"",
    b"color:transparent",
    b"left:-9999",
    b"text-indent:-9999",
];

/// Whether the text has comments, or elements that a browser does not show.
pub(super) fn kinds(bytes: &[u8]) -> Kinds {
    let mut kinds = Kinds::NONE;
    let mut at = 0;
    while let Some(open) = find(bytes, at) {
        let rest = &bytes[open..];
        if rest.starts_with(b"<!--") {
            kinds = kinds.and(Kinds::COMMENT);
            at = open + 4;
        } else {
            if rest.get(1).is_some_and(u8::is_ascii_alphabetic) && hides(rest) {
                kinds = kinds.and(Kinds::HIDDEN_HTML);
            }
            at = open + 1;
        }
    }
    kinds
}

fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let at = bytes.get(from..)?.iter().position(|byte| *byte == b'<')?;
    Some(from + at)
}

/// Whether the tag at the beginning of `rest` has a style that hides it.
fn hides(rest: &[u8]) -> bool {
    let tag = &rest[..rest.len().min(LONGEST)];
    // A tag that has not ended where another begins is none.
    let mut inside = tag.iter().skip(1);
    let Some(end) = inside.position(|byte| matches!(byte, b'>' | b'<')) else {
        return false;
    };
    let tag = &tag[..=end];
    let Some(style) = tag
        .windows(6)
        .position(|six| six.eq_ignore_ascii_case(b"style="))
    else {
        return false;
    };
    let mut plain = [0; LONGEST];
    let mut length = 0;
    for byte in &tag[style..] {
        if !byte.is_ascii_whitespace() {
            plain[length] = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    HIDING.iter().any(|value| {
        plain[..length]
            .windows(value.len())
            .any(|some| some == *value)
    })
}
