//! Bytes in hexadecimal digits.

/// The bytes in lower-case hexadecimal digits, two a byte.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.as_ref().iter();
    digits
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Reads pairs of hexadecimal digits, lower or upper case. `None`: the text is something else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Reads exactly `N` bytes, in lower-case digits alone: where two spellings of one value would be two values.
pub fn decode_lower<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    is_lower.then(|| decode(text)?.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let all: Vec<u8> = (0..=255).collect();
        let text = encode(&all);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        assert_eq!(decode(&text), Some(all.clone()));
        assert_eq!(decode(&text.to_uppercase()), Some(all));
        assert_eq!(decode_lower("00ff"), Some([0, 255]));
    }

    #[test]
    fn a_text_that_is_no_bytes_is_refused() {
        for text in ["0", "0g", "+1", " 1", "0x", "é", "00 "] {
            assert_eq!(decode(text), None, "{text}");
        }
        for text in ["00FF", "00f", "00ff00", "00", ""] {
            assert_eq!(decode_lower::<2>(text), None, "{text}");
        }
    }
}
