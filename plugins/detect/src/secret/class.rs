//! The alphabets of keys. A byte belongs to classes; an alphabet is a set of classes.

/// A set of classes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alphabet(u16);

/// `0` to `9`.
pub(crate) const DIGIT: Alphabet = Alphabet(1);
/// `0` and `1`, which base32 does not have, among the digits.
const LOW_DIGIT: Alphabet = Alphabet(1 << 1);
const HIGH_DIGIT: Alphabet = Alphabet(1 << 2);
const A_TO_F: Alphabet = Alphabet(1 << 3);
const G_TO_Z: Alphabet = Alphabet(1 << 4);
const UPPER_A_TO_F: Alphabet = Alphabet(1 << 5);
const UPPER_G_TO_Z: Alphabet = Alphabet(1 << 6);
pub(crate) const UNDERSCORE: Alphabet = Alphabet(1 << 7);
const HYPHEN: Alphabet = Alphabet(1 << 8);
pub(crate) const DOT: Alphabet = Alphabet(1 << 9);
pub(crate) const PLUS_SLASH: Alphabet = Alphabet(1 << 10);
const EQUALS: Alphabet = Alphabet(1 << 11);
const TILDE: Alphabet = Alphabet(1 << 12);
pub(crate) const COLON: Alphabet = Alphabet(1 << 13);
/// The other visible characters of ASCII that are no quotes, brackets, commas or semicolons.
pub(crate) const PUNCTUATION: Alphabet = Alphabet(1 << 14);

/// Small letters.
pub(crate) const LOWER: Alphabet = A_TO_F.and(G_TO_Z);
/// Capitals.
pub(crate) const UPPER: Alphabet = UPPER_A_TO_F.and(UPPER_G_TO_Z);
/// Letters.
pub(crate) const LETTER: Alphabet = LOWER.and(UPPER);
/// Letters and digits.
pub(crate) const ALNUM: Alphabet = LETTER.and(DIGIT);
/// Hexadecimal digits in small letters.
pub(crate) const HEX: Alphabet = DIGIT.and(A_TO_F);
/// Hexadecimal digits.
pub(crate) const ANY_HEX: Alphabet = HEX.and(UPPER_A_TO_F);
/// Hexadecimal digits and hyphens.
pub(crate) const HEX_HYPHEN: Alphabet = ANY_HEX.and(HYPHEN);
/// Base32 in capitals (RFC 4648).
pub(crate) const BASE32: Alphabet = UPPER.and(HIGH_DIGIT);
/// Small letters and digits.
pub(crate) const LOWER_ALNUM: Alphabet = LOWER.and(DIGIT);
/// Capitals and digits.
pub(crate) const UPPER_ALNUM: Alphabet = UPPER.and(DIGIT);
/// Digits and hyphens.
pub(crate) const DIGIT_HYPHEN: Alphabet = DIGIT.and(HYPHEN);
/// Letters, digits, hyphens.
pub(crate) const ALNUM_HYPHEN: Alphabet = ALNUM.and(HYPHEN);
/// Letters, digits, underscores.
pub(crate) const ALNUM_UNDERSCORE: Alphabet = ALNUM.and(UNDERSCORE);
/// Base64 for URLs without padding: letters, digits, underscores, hyphens.
pub(crate) const WORD: Alphabet = ALNUM_UNDERSCORE.and(HYPHEN);
/// [`WORD`] and padding.
pub(crate) const WORD_EQUALS: Alphabet = WORD.and(EQUALS);
/// [`WORD`] and dots.
pub(crate) const DOTTED: Alphabet = WORD.and(DOT);
/// [`DOTTED`] and padding.
pub(crate) const DOTTED_EQUALS: Alphabet = DOTTED.and(EQUALS);
/// [`DOTTED`] and tildes.
pub(crate) const DOTTED_TILDE: Alphabet = DOTTED.and(TILDE);
/// [`DOTTED`] and colons.
pub(crate) const DOTTED_COLON: Alphabet = DOTTED.and(COLON);
/// Base64 with padding.
pub(crate) const BASE64: Alphabet = ALNUM.and(PLUS_SLASH).and(EQUALS);
/// What a value of a key can consist of, whatever its provider.
pub(crate) const KEY: Alphabet = DOTTED.and(PLUS_SLASH).and(EQUALS).and(TILDE);

impl Alphabet {
    /// Both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the byte is of the alphabet.
    pub(crate) fn has(self, byte: u8) -> bool {
        CLASSES[byte as usize] & self.0 != 0
    }

    /// How many bytes from `at` on are of the alphabet, at most `most`.
    pub(crate) fn span(self, bytes: &[u8], at: usize, most: usize) -> usize {
        let Some(rest) = bytes.get(at..) else {
            return 0;
        };
        let rest = &rest[..rest.len().min(most)];
        rest.iter()
            .position(|byte| !self.has(*byte))
            .unwrap_or(rest.len())
    }

    /// How many bytes right before `at` are of the alphabet, at most `most`.
    pub(crate) fn span_before(self, bytes: &[u8], at: usize, most: usize) -> usize {
        let before = &bytes[at.saturating_sub(most)..at];
        before
            .iter()
            .rev()
            .position(|byte| !self.has(*byte))
            .unwrap_or(before.len())
    }
}

static CLASSES: [u16; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = of(byte as u8).0;
        byte += 1;
    }
    classes
};

const fn of(byte: u8) -> Alphabet {
    match byte {
        b'0' | b'1' => DIGIT.and(LOW_DIGIT),
        b'2'..=b'7' => DIGIT.and(HIGH_DIGIT),
        b'8' | b'9' => DIGIT,
        b'a'..=b'f' => A_TO_F,
        b'g'..=b'z' => G_TO_Z,
        b'A'..=b'F' => UPPER_A_TO_F,
        b'G'..=b'Z' => UPPER_G_TO_Z,
        b'_' => UNDERSCORE,
        b'-' => HYPHEN,
        b'.' => DOT,
        b'+' | b'/' => PLUS_SLASH,
        b'=' => EQUALS,
        b'~' => TILDE,
        b':' => COLON,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'*' | b'?' | b'@' | b'^' | b'|' => PUNCTUATION,
        _ => Alphabet(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alphabet_has_its_bytes() {
        let all = |alphabet: Alphabet| -> String {
            (0..=127u8)
                .filter(|byte| alphabet.has(*byte))
                .map(char::from)
                .collect()
        };
        assert_eq!(all(ANY_HEX), "0123456789ABCDEFabcdef");
        assert_eq!(all(BASE32), "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        assert_eq!(all(DIGIT), "0123456789");
        assert_eq!(all(WORD).len(), 64);
        assert_eq!(all(BASE64).len(), 65);
        assert!(!KEY.has(b'"') && !KEY.has(0xC3));
    }

    #[test]
    fn spans_end_where_the_alphabet_does() {
        assert_eq!(HEX.span(b"x12ab!", 1, 9), 4);
        assert_eq!(HEX.span(b"x12ab!", 1, 2), 2);
        assert_eq!(HEX.span(b"x", 7, 2), 0);
        assert_eq!(HEX.span_before(b"x12ab!", 5, 9), 4);
        assert_eq!(HEX.span_before(b"12", 2, 9), 2);
    }
}
