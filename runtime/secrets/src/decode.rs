//! Texts as others read them: escapes undone, or bare letters and digits. Each keeps where its bytes stood.

use std::ops::Range;

/// A text that was made of another.
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte stood.
    origin: Vec<Range<usize>>,
}

impl View {
    /// Where a range of the view stood in the first text.
    pub(crate) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let part = &self.origin[range];
        match (part.first(), part.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    /// A view of this view, with places in the first text.
    fn through(&self, mut next: Self) -> Self {
        for range in &mut next.origin {
            *range = self.origin(range.clone());
        }
        next
    }

    /// The bare view of this view.
    pub(crate) fn bare(&self) -> Self {
        self.through(bare(&self.bytes))
    }

    /// This view with its escapes undone once more, where it has some.
    pub(crate) fn unescaped(&self) -> Option<Self> {
        Some(self.through(unescaped(&self.bytes)?))
    }
}

/// The ASCII letters and digits of a text. What stands between them, such as line ends in base64, colons between pairs
/// of hexadecimal digits or invisible characters, hides nothing.
pub(crate) fn bare(text: &[u8]) -> View {
    let mut view = View {
        bytes: Vec::with_capacity(text.len()),
        origin: Vec::with_capacity(text.len()),
    };
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_alphanumeric() {
            view.bytes.push(*byte);
            view.origin.push(at..at + 1);
        }
    }
    view
}

/// The bytes that a text lists as decimal numbers, such as `[104, 105]`.
pub(crate) fn listed(text: &[u8]) -> View {
    let mut view = View {
        bytes: Vec::new(),
        origin: Vec::new(),
    };
    let mut at = 0;
    while let Some(start) = text[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|start| at + start)
    {
        let length = text[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        at = start + length;
        let number = std::str::from_utf8(&text[start..at])
            .ok()
            .and_then(|digits| digits.parse::<u8>().ok());
        if let Some(byte) = number {
            view.bytes.push(byte);
            view.origin.push(start..at);
        }
    }
    view
}

/// A text with percent-encoding, backslash escapes and character references of HTML undone once. `None` where it has none.
pub(crate) fn unescaped(text: &[u8]) -> Option<View> {
    decoded(text, |rest| match rest[0] {
        b'%' => hex(rest.get(1..3)?).map(|byte| (vec![byte], 3)),
        b'\\' => backslash(rest),
        b'&' => reference(rest),
        _ => None,
    })
}

/// A text with quoted-printable undone. `None` where it has none.
pub(crate) fn from_quoted_printable(text: &[u8]) -> Option<View> {
    decoded(text, |rest| match rest {
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2)),
        [b'=', a, b, ..] => hex(&[*a, *b]).map(|byte| (vec![byte], 3)),
        _ => None,
    })
}

fn decoded(text: &[u8], step: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Option<View> {
    let mut view = View {
        bytes: Vec::new(),
        origin: Vec::new(),
    };
    let (mut at, mut changed) = (0, false);
    while at < text.len() {
        let (bytes, length) = match step(&text[at..]) {
            Some(found) => {
                if !changed {
                    changed = true;
                    view.bytes = text[..at].to_vec();
                    view.origin = (0..at).map(|at| at..at + 1).collect();
                }
                found
            }
            None if changed => (vec![text[at]], 1),
            None => {
                at += 1;
                continue;
            }
        };
        view.origin.extend(bytes.iter().map(|_| at..at + length));
        view.bytes.extend(bytes);
        at += length;
    }
    changed.then_some(view)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// `\n`, `\"`, `\x41`, `\u0041`, `\u{41}` and the like.
fn backslash(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let one = |byte: u8| Some((vec![byte], 2));
    match rest.get(1)? {
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'b' => one(8),
        b'f' => one(12),
        b'x' => hex(rest.get(2..4)?).map(|byte| (vec![byte], 4)),
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(12).position(|byte| *byte == b'}')?;
            character(std::str::from_utf8(&rest[3..end]).ok()?, 16, end + 1)
        }
        b'u' => character(std::str::from_utf8(rest.get(2..6)?).ok()?, 16, 6),
        other if other.is_ascii_punctuation() => one(*other),
        _ => None,
    }
}

/// `&amp;`, `&#65;` and `&#x41;`.
fn reference(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[1..end]).ok()?;
    let length = end + 1;
    let named = |byte: u8| Some((vec![byte], length));
    match name {
        "amp" => named(b'&'),
        "lt" => named(b'<'),
        "gt" => named(b'>'),
        "quot" => named(b'"'),
        "apos" => named(b'\''),
        _ => match name.strip_prefix('#')? {
            number if number.starts_with(['x', 'X']) => character(&number[1..], 16, length),
            number => character(number, 10, length),
        },
    }
}

fn character(digits: &str, radix: u32, length: usize) -> Option<(Vec<u8>, usize)> {
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    Some((character.to_string().into_bytes(), length))
}
