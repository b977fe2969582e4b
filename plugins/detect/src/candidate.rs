//! Bytes that can be part of anything that is looked for. Most of a text holds none of them, so it is searched in blocks
//! that a processor compares in one step.

/// Bytes of a block: as many as two vectors of WebAssembly hold.
const BLOCK: usize = 32;

/// A digit or the colon after them in ASCII, the at sign, or the first byte of a full-width digit, among others.
fn is_one(byte: u8) -> bool {
    // Without `&&`: a branch would keep the compiler from comparing a block at once.
    (byte.wrapping_sub(b'0') <= b':' - b'0') | (byte == b'@') | (byte == 0xEF)
}

/// Where the first candidate from `from` on stands. The end of the text where there is none.
pub(crate) fn next(bytes: &[u8], from: usize) -> usize {
    position(bytes, from, is_one)
}

/// Where the first byte of such a kind stands, from `from` on; the end where there is none. The fewer branches `is_one`
/// has, the more bytes are compared at once: `|` rather than `||`.
// WebAssembly has vectors where a function asks for them. It is no promise of the caller's: an engine without them refuses
// the component as a whole.
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
