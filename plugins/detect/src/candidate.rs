//! Finds the bytes that a value can contain. Most texts have few of them, so a text is searched in blocks that a
//! processor compares in one step.

/// Bytes of a block: two vectors of WebAssembly.
const BLOCK: usize = 32;

/// Whether the byte is a digit, a colon (which follows `9` in ASCII), an at sign, or `0xEF`. `0xEF` is the first byte
/// of a full-width digit and of other characters.
fn is_one(byte: u8) -> bool {
    // No `&&` or `||`: a branch would keep the compiler from comparing a whole block at once.
    (byte.wrapping_sub(b'0') <= b':' - b'0') | (byte == b'@') | (byte == 0xEF)
}

/// The position of the first candidate at or after `from`, or the end of the text.
pub(crate) fn next(bytes: &[u8], from: usize) -> usize {
    position(bytes, from, is_one)
}

/// The position of the first byte at or after `from` for which `is_one` holds, or the length of `bytes`.
///
/// `is_one` should have no branches: with `|` instead of `||`, more bytes are compared at once.
// WebAssembly uses vectors only in functions that ask for them. The caller promises nothing: an engine without vectors
// rejects the whole component.
#[cfg_attr(target_family = "wasm", target_feature(enable = "simd128"))]
#[inline]
pub fn position(bytes: &[u8], from: usize, is_one: impl Fn(u8) -> bool) -> usize {
    let Some(rest) = bytes.get(from..) else {
        return bytes.len();
    };
    let (blocks, _) = rest.as_chunks::<BLOCK>();
    let without = |block: &&[u8; BLOCK]| !block.iter().fold(false, |any, &byte| any | is_one(byte));
    let start = from + BLOCK * blocks.iter().take_while(without).count();
    bytes[start..]
        .iter()
        .position(|&byte| is_one(byte))
        .map_or(bytes.len(), |index| start + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_candidate_is_found_wherever_it_stands() {
        let length = 3 * BLOCK + 5;
        for byte in 0..=u8::MAX {
            let is_candidate = matches!(byte, b'0'..=b'9' | b':' | b'@' | 0xEF);
            for place in 0..length {
                let mut text = vec![b' '; length];
                text[place] = byte;
                let found = if is_candidate { place } else { length };
                assert_eq!(next(&text, 0), found, "{byte} at {place}");
                assert_eq!(next(&text, place), found, "{byte} at {place}");
                assert_eq!(next(&text, place + 1), length, "{byte} at {place}");
            }
        }
        assert_eq!(next(b"", 0), 0);
        assert_eq!(next(b"a", 7), 1);
    }
}
