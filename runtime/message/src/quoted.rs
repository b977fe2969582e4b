//! Finds the end of a quoted string, and checks the escapes in it.

use crate::json_error::{JsonError, JsonErrorKind, wrong};

/// The offset of the first quote, backslash or control character from `at` on, or the end of the text.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // Most strings are short, so two words of eight bytes come first, then blocks that the compiler vectorizes.
    for _ in 0..2 {
        let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return plain_end_bytewise(bytes, at);
        };
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(block) = bytes[at..].first_chunk::<32>() {
        let hit = block.iter().fold(0, |hit, &b| {
            hit | u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\')
        });
        if hit != 0 {
            break;
        }
        at += 32;
    }
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    plain_end_bytewise(bytes, at)
}

fn plain_end_bytewise(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Sets the high bit of each of the word's eight bytes that ends a plain run. Bytes above the first hit may be set
/// wrongly (a borrow runs upwards), so only the lowest counts.
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    (below(word, 0x20) | below(quote, 1) | below(slash, 1)) & HIGH
}

/// The end of the escape that begins at `at`. A pair of surrogates is one escape.
pub(crate) fn escape_end(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex(bytes, at + 2)? {
            0xD800..=0xDBFF if bytes.get(at + 6..at + 8) == Some(b"\\u") => {
                match hex(bytes, at + 8)? {
                    0xDC00..=0xDFFF => Ok(at + 12),
                    _ => Err(JsonError {
                        offset: at,
                        trouble: JsonErrorKind::LoneSurrogate,
                    }),
                }
            }
            0xD800..=0xDFFF => Err(JsonError {
                offset: at,
                trouble: JsonErrorKind::LoneSurrogate,
            }),
            _ => Ok(at + 6),
        },
        _ => Err(wrong(at, "unknown escape")),
    }
}

fn hex(bytes: &[u8], at: usize) -> Result<u32, JsonError> {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    let mut code = 0;
    for &byte in digits {
        code = code << 4
            | char::from(byte)
                .to_digit(16)
                .ok_or_else(|| wrong(at, "expected four hex digits"))?;
    }
    if digits.len() == 4 {
        Ok(code)
    } else {
        Err(wrong(at, "expected four hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_run_ends_at_the_same_byte_wherever_it_stands() {
        // The run crosses words, blocks and their ends. The other characters of the text are next to the bounds.
        for length in 0..100 {
            for stop in [b'"', b'\\', 0, 0x1f, b'\n'] {
                let mut text = vec![b' '; length];
                text.push(stop);
                text.extend([b'!', b'#', b'[', b']', 0x20, 0x7f, 0x80, 0xff].repeat(5));
                for start in 0..=length {
                    assert_eq!(plain_end(&text, start), length, "{length} {stop} {start}");
                }
                assert_eq!(plain_end(&text, length + 1), text.len());
            }
        }
    }

    #[test]
    fn a_special_byte_is_found_behind_each_of_its_neighbours() {
        for before in 0..=255u8 {
            for byte in 0..=255u8 {
                let text = [before, byte, b'a', b'a', b'a', b'a', b'a', b'a'];
                let expected = text
                    .iter()
                    .position(|&b| b < 0x20 || b == b'"' || b == b'\\')
                    .unwrap_or(8);
                assert_eq!(plain_end(&text, 0), expected, "{before} {byte}");
            }
        }
    }
}
