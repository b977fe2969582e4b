//! Decodes a path as the program that opens it may decode it.

use std::borrow::Cow;

/// The decoded path: percent-encoding is decoded up to four times (`%252e`), overlong UTF-8 and `%u` forms are
/// resolved, and full-width forms and backslashes become `/` and `.`. The result is bytes, because it need not be
/// UTF-8.
pub(crate) fn decoded(value: &str) -> Cow<'_, [u8]> {
    let is_plain = |byte: u8| byte.is_ascii() && !matches!(byte, b'%' | b'\\');
    if value.bytes().all(is_plain) && !value.contains("0x") && !value.contains("0X") {
        return Cow::Borrowed(value.as_bytes());
    }
    Cow::Owned(plain(&undone(value)))
}

/// The value as text: as [`decoded`], with escapes of programming languages resolved (`\x3c`, `\u003c`) and
/// typographic quotes as plain ones. A backslash stays.
pub(crate) fn text(value: &str) -> String {
    let bytes = undone(value);
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (byte, length) = match *rest {
            [b'\\', b'x', ..] if hex(rest, 2, 2).is_some() => {
                (hex(rest, 2, 2).unwrap_or_default() as u8, 4)
            }
            [b'\\', b'u', b'0', b'0', ..] if hex(rest, 4, 2).is_some() => {
                (hex(rest, 4, 2).unwrap_or_default() as u8, 6)
            }
            // The quotation marks U+2018, U+2019, U+201C and U+201D, and the primes.
            [0xE2, 0x80, 0x98 | 0x99 | 0xB2, ..] => (b'\'', 3),
            [0xE2, 0x80, 0x9C | 0x9D | 0xB3, ..] => (b'"', 3),
            // Full-width forms of ASCII.
            [0xEF, 0xBC, low @ 0x81..=0xBF, ..] => (low - 0x60, 3),
            [0xEF, 0xBD, low @ 0x80..=0x9E, ..] => (low - 0x20, 3),
            // U+560A and U+560D, of which careless programs keep the last byte: a line end.
            [0xE5, 0x98, 0x8A, ..] => (b'\n', 3),
            [0xE5, 0x98, 0x8D, ..] => (b'\r', 3),
            [0xC0..=0xC1, low, ..] if low >= 0x80 => lax(rest),
            [first, ..] => (first, 1),
            [] => break,
        };
        text.push(byte);
        at += length;
    }
    String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The value without its percent-encoding, which is undone up to four times.
fn undone(value: &str) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(value.as_bytes());
    for _ in 0..4 {
        if !bytes.contains(&b'%') {
            break;
        }
        let once = percent_decoded(&bytes);
        if once == *bytes {
            break;
        }
        bytes = Cow::Owned(once);
    }
    bytes
}

/// The number of `count` hexadecimal digits.
fn hex(bytes: &[u8], from: usize, count: usize) -> Option<u32> {
    let digits = bytes.get(from..from + count)?;
    digits.iter().try_fold(0u32, |value, digit| {
        Some(value * 16 + (*digit as char).to_digit(16)?)
    })
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%'
            && let Some(byte) = hex(bytes, at + 1, 2)
        {
            decoded.push(byte as u8);
            at += 3;
        } else if matches!(bytes[at..], [b'%', b'u' | b'U', ..])
            && let Some(unit) = hex(bytes, at + 2, 4)
        {
            match char::from_u32(unit) {
                Some(character) => decoded.extend(character.encode_utf8(&mut [0; 4]).bytes()),
                None => decoded.push(b'?'),
            }
            at += 6;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// Replaces the characters that lax decoders take for `.`, `/` or `\`. A backslash becomes `/`.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = lax(&bytes[at..]);
        plain.push(if byte == b'\\' { b'/' } else { byte });
        at += length;
    }
    plain
}

/// The first byte after lax decoding, and how many bytes it takes in the input.
fn lax(bytes: &[u8]) -> (u8, usize) {
    match *bytes {
        // Two bytes for a character that needs one. The second byte often lacks its continuation mark (`%c0%2e`).
        [0xC0 | 0xC1, low, ..] if low >= 0x80 => (overlong(bytes[0] & 1, low), 2),
        [0xC0, low @ (b'.' | b'/' | b'\\'), ..] => (low, 2),
        [0xC1, low @ (0x1C | 0x2F), ..] => (overlong(1, low), 2),
        [0xE0, 0x80 | 0x81, low, ..] if low >= 0x80 => (overlong(bytes[1] & 1, low), 3),
        [0xF0, 0x80, 0x80 | 0x81, low, ..] if low >= 0x80 => (overlong(bytes[2] & 1, low), 4),
        [0xF8, 0x80, 0x80, 0x80 | 0x81, low, ..] if low >= 0x80 => (overlong(bytes[3] & 1, low), 5),
        [0xFC, 0x80, 0x80, 0x80, 0x80 | 0x81, low, ..] if low >= 0x80 => {
            (overlong(bytes[4] & 1, low), 6)
        }
        // Full-width . / \, the division slash U+2215, the set minus U+2216 and the fraction slash U+2044.
        [0xEF, 0xBC, 0x8E, ..] => (b'.', 3),
        [0xEF, 0xBC, 0x8F, ..] | [0xEF, 0xBC, 0xBC, ..] => (b'/', 3),
        [0xE2, 0x88, 0x95 | 0x96, ..] | [0xE2, 0x81, 0x84, ..] => (b'/', 3),
        // U+EFC8 and U+F025, private-use characters that some servers turn into a slash.
        [0xEE, 0xBF, 0x88, ..] | [0xEF, 0x80, 0xA5, ..] => (b'/', 3),
        // Hexadecimal numbers in place of the characters.
        [b'0', b'x' | b'X', b'2', b'e' | b'E', ..] => (b'.', 4),
        [b'0', b'x' | b'X', b'2', b'f' | b'F', ..] => (b'/', 4),
        [b'0', b'x' | b'X', b'5', b'c' | b'C', ..] => (b'/', 4),
        [first, ..] => (first, 1),
        [] => (0, 1),
    }
}

/// The character that the last bits of an overlong sequence encode.
fn overlong(high: u8, low: u8) -> u8 {
    high << 6 | (low & 0x3F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_parent_reads_the_same() {
        for spelling in [
            "../",
            "..\\",
            "%2e%2e%2f",
            "%252e%252e%255c",
            "%c0%ae%c0%ae%c0%af",
            "%e0%80%ae%e0%80%ae/",
            "%f0%80%80%ae%f0%80%80%ae%255c",
            "%c0%2e%c0%2e%255c",
            "．．／",
            "%u002e%u002e%u2215",
            "..%%35%63",
        ] {
            assert_eq!(*decoded(spelling), *b"../", "{spelling}");
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["100 % of résumé.txt", "%", "a/b.txt"] {
            assert_eq!(*decoded(text), *text.as_bytes());
        }
    }
}
