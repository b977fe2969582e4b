//! Texts as others read them: escapes undone, or bare letters and digits. Each keeps where its bytes stood.

use std::ops::Range;

/// A text that was made of another, of at most 4 GiB.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte stood, from and to.
    origin: Vec<(u32, u32)>,
}

/// What an escape stands for, and its length. The first bytes of the array count.
type Undone = ([u8; 4], usize, usize);

impl View {
    /// Where a range of the view stood in the first text.
    pub(crate) fn origin(&self, range: Range<usize>) -> Range<usize> {
        match self.origin[range].split_first() {
            Some((first, rest)) => first.0 as usize..rest.last().unwrap_or(first).1 as usize,
            None => 0..0,
        }
    }

    fn push(&mut self, byte: u8, origin: Range<usize>) {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.bytes.push(byte);
        self.origin.push((number(origin.start), number(origin.end)));
    }

    /// Takes a part of a text as it is.
    fn copy(&mut self, text: &[u8], range: Range<usize>) {
        for (at, byte) in text[range.clone()].iter().enumerate() {
            let at = range.start + at;
            self.push(*byte, at..at + 1);
        }
    }

    /// A view of this view, with places in the first text.
    fn through(&self, mut next: Self) -> Self {
        for (from, to) in &mut next.origin {
            let range = self.origin(*from as usize..*to as usize);
            (*from, *to) = (
                u32::try_from(range.start).unwrap_or(u32::MAX),
                u32::try_from(range.end).unwrap_or(u32::MAX),
            );
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
    let mut view = View::default();
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_alphanumeric() {
            view.push(*byte, at..at + 1);
        }
    }
    view
}

/// The bytes that a text lists as decimal numbers, such as `[104, 105]`.
pub(crate) fn listed(text: &[u8]) -> View {
    let mut view = View::default();
    let mut at = 0;
    while let Some(start) = text[at..].iter().position(u8::is_ascii_digit) {
        let start = at + start;
        let digits = text[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        at = start + digits.count();
        let number = std::str::from_utf8(&text[start..at]).ok();
        if let Some(byte) = number.and_then(|digits| digits.parse().ok()) {
            view.push(byte, start..at);
        }
    }
    view
}

/// A text with percent-encoding, backslash escapes and character references of HTML undone once. `None` where it has none.
pub(crate) fn unescaped(text: &[u8]) -> Option<View> {
    let marks = |rest: &[u8]| memchr::memchr3(b'%', b'\\', b'&', rest);
    decoded(text, marks, |rest| match rest[0] {
        b'%' => Some(one(hex(rest.get(1..3)?)?, 3)),
        b'\\' => backslash(rest),
        _ => reference(rest),
    })
}

/// A text with quoted-printable undone. `None` where it has none.
pub(crate) fn from_quoted_printable(text: &[u8]) -> Option<View> {
    let marks = |rest: &[u8]| memchr::memchr(b'=', rest);
    decoded(text, marks, |rest| match rest {
        [_, b'\r', b'\n', ..] => Some(([0; 4], 0, 3)),
        [_, b'\n', ..] => Some(([0; 4], 0, 2)),
        [_, a, b, ..] => Some(one(hex(&[*a, *b])?, 3)),
        _ => None,
    })
}

/// Undoes what begins at each mark.
fn decoded(
    text: &[u8],
    next: impl Fn(&[u8]) -> Option<usize>,
    undo: impl Fn(&[u8]) -> Option<Undone>,
) -> Option<View> {
    let mut view: Option<View> = None;
    let (mut copied, mut at) = (0, 0);
    while let Some(mark) = next(&text[at..]) {
        let mark = at + mark;
        at = mark + 1;
        let Some((bytes, count, length)) = undo(&text[mark..]) else {
            continue;
        };
        let view = view.get_or_insert_default();
        view.copy(text, copied..mark);
        for byte in &bytes[..count] {
            view.push(*byte, mark..mark + length);
        }
        at = mark + length;
        copied = at;
    }
    let mut view = view?;
    view.copy(text, copied..text.len());
    Some(view)
}

fn one(byte: u8, length: usize) -> Undone {
    ([byte, 0, 0, 0], 1, length)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// `\n`, `\"`, `\x41`, `\u0041`, `\u{41}` and the like.
fn backslash(rest: &[u8]) -> Option<Undone> {
    match rest.get(1)? {
        b'n' => Some(one(b'\n', 2)),
        b'r' => Some(one(b'\r', 2)),
        b't' => Some(one(b'\t', 2)),
        b'b' => Some(one(8, 2)),
        b'f' => Some(one(12, 2)),
        b'x' => Some(one(hex(rest.get(2..4)?)?, 4)),
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(12).position(|byte| *byte == b'}')?;
            character(&rest[3..end], 16, end + 1)
        }
        b'u' => character(rest.get(2..6)?, 16, 6),
        other if other.is_ascii_punctuation() => Some(one(*other, 2)),
        _ => None,
    }
}

/// `&amp;`, `&#65;` and `&#x41;`.
fn reference(rest: &[u8]) -> Option<Undone> {
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let length = end + 1;
    match &rest[1..end] {
        b"amp" => Some(one(b'&', length)),
        b"lt" => Some(one(b'<', length)),
        b"gt" => Some(one(b'>', length)),
        b"quot" => Some(one(b'"', length)),
        b"apos" => Some(one(b'\'', length)),
        [b'#', b'x' | b'X', digits @ ..] => character(digits, 16, length),
        [b'#', digits @ ..] => character(digits, 10, length),
        _ => None,
    }
}

fn character(digits: &[u8], radix: u32, length: usize) -> Option<Undone> {
    let digits = std::str::from_utf8(digits).ok()?;
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let mut bytes = [0; 4];
    let count = character.encode_utf8(&mut bytes).len();
    Some((bytes, count, length))
}
