//! Decodes percent-encoding.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The most rounds of decoding. No honest sender escapes a URI more often.
const ROUNDS: usize = 16;

/// The escapes to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// All escapes. Bytes that are not UTF-8 become U+FFFD.
    All,
    /// Escapes of characters that need none or that change how a path is read: unreserved characters, slashes,
    /// controls, and the percent sign of another escape.
    Needless,
}

/// Decodes these escapes until nothing changes. `None` if that takes more than [`ROUNDS`] rounds.
pub(crate) fn settled(text: &str, escapes: Escapes) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let decoded = match escapes {
            Escapes::All => percent_decode_str(&text).decode_utf8_lossy().into_owned(),
            Escapes::Needless => without(&text, is_needless),
        };
        if decoded == text {
            return Some(text);
        }
        text = decoded;
    }
    None
}

/// Decodes the characters that a URI must escape, or may escape without another meaning.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.contains('%') {
        true => Cow::Owned(without(text, |c, _| {
            let kept =
                c.is_control() || is_unreserved(c) || matches!(c, '%' | '/' | '\\' | '?' | '#');
            !kept && c != char::REPLACEMENT_CHARACTER
        })),
        false => Cow::Borrowed(text),
    }
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

/// Whether the escape of `c` is needless. `rest` is the text after the escape.
fn is_needless(c: char, rest: &str) -> bool {
    is_unreserved(c)
        || matches!(c, '/' | '\\')
        || c.is_ascii_control()
        || c == '%'
            && matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Decodes each escaped character for which `is_shown` holds. Bytes that are not UTF-8 stay as they are.
fn without(text: &str, is_shown: impl Fn(char, &str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match first_escaped(rest) {
            Some((c, length)) if is_shown(c, &rest[length..]) => {
                out.push(c);
                rest = &rest[length..];
            }
            _ => {
                out.push('%');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The escaped character at the beginning, and the length of its escapes in bytes.
fn first_escaped(text: &str) -> Option<(char, usize)> {
    let mut bytes = [0; 4];
    for (n, escape) in text.as_bytes().chunks(3).take(4).enumerate() {
        let &[b'%', high, low] = escape else {
            return None;
        };
        let digit = |b: u8| char::from(b).to_digit(16);
        bytes[n] = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
        if let Ok(text) = std::str::from_utf8(&bytes[..=n]) {
            return Some((text.chars().next()?, 3 * (n + 1)));
        }
    }
    None
}
