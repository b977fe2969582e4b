//! Tells values that a machine made up from words, names and placeholders.

use super::class::{DIGIT, LETTER};

/// The letters that commonly follow a letter in words and names, as a bit each.
const FOLLOWS: [u32; 26] = {
    let letters: [&[u8]; 26] = [
        b"bcdfgiklmnprstuvwxy",
        b"aceijlorsuy",
        b"acefhiklorstuy",
        b"adegilorsuy",
        b"abcdefgilmnopqrstvwxy",
        b"aefgilortuy",
        b"aeghilnorsu",
        b"aeimorstu",
        b"abcdefgklmnoprstvxz",
        b"eo",
        b"eisx",
        b"adefgilopstuy",
        b"abeilmopstu",
        b"acdefgiklmnopstuvwy",
        b"abcdefgiklmnoprstuvw",
        b"adehiloprstuy",
        b"u",
        b"abcdefgiklmnoprstuvwy",
        b"acehiklmnoprstuy",
        b"acdefhilmoprstuwy",
        b"abcdefgilmnprst",
        b"aeio",
        b"aehinors",
        b"aceipt",
        b"einopst",
        b"e",
    ];
    let mut follows = [0; 26];
    let mut letter = 0;
    while letter < 26 {
        let mut index = 0;
        while index < letters[letter].len() {
            follows[letter] |= 1 << (letters[letter][index] - b'a');
            index += 1;
        }
        letter += 1;
    }
    follows
};

/// Whether words make up a good part of the value: names of code do, keys do not. A word is four letters or more that follow
/// each other as in words; a capital after a small letter begins another one.
pub(crate) fn is_wordy(value: &[u8]) -> bool {
    let mut in_words = 0;
    let mut all = 0;
    let mut start = 0;
    for at in 0..=value.len() {
        let byte = value.get(at).copied().unwrap_or(b' ');
        let is_letter = LETTER.has(byte);
        all += usize::from(is_letter || DIGIT.has(byte));
        let begins = byte.is_ascii_uppercase() && at > 0 && value[at - 1].is_ascii_lowercase();
        if !is_letter || begins {
            let word = &value[start.min(at)..at];
            // Neighbours in the alphabet are no word.
            let ascends = word
                .windows(2)
                .all(|pair| pair[1] == pair[0].wrapping_add(1));
            if word.len() >= 4 && oddness(word) < 20 && !ascends {
                in_words += word.len();
            }
            start = at + usize::from(!is_letter);
        }
    }
    // Where the parts are joined, as names of code are, fewer words tell.
    let is_joined = value.iter().any(|byte| matches!(byte, b'-' | b'_' | b'.'));
    in_words * if is_joined { 4 } else { 3 } >= all
}

/// How unlike a word a value is: the share of neighbours that words and names do not have, in percent. A letter beside a
/// digit is one, and so are two letters that seldom follow each other. A capital after a small letter counts half,
/// because names have them too.
pub(crate) fn oddness(value: &[u8]) -> u32 {
    let mut odd = 0;
    let mut all = 0;
    for pair in value.windows(2) {
        let [first, second] = [pair[0], pair[1]];
        match (LETTER.has(first), LETTER.has(second)) {
            (true, true) => {
                all += 2;
                let follows = FOLLOWS[((first | 0x20) - b'a') as usize];
                odd += if first.is_ascii_lowercase() && second.is_ascii_uppercase() {
                    1
                } else if follows & (1 << ((second | 0x20) - b'a')) == 0 {
                    2
                } else {
                    0
                };
            }
            (true, false) if DIGIT.has(second) => (odd, all) = (odd + 2, all + 2),
            (false, true) if DIGIT.has(first) => (odd, all) = (odd + 2, all + 2),
            _ => {}
        }
    }
    (odd * 100u32).checked_div(all).unwrap_or(0)
}

/// What a value consists of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Census {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digits: usize,
    /// Neither letters nor digits.
    pub(crate) others: usize,
    /// Different bytes.
    pub(crate) distinct: usize,
    /// Whether all letters are `a` to `f`.
    pub(crate) is_hex: bool,
}

impl Census {
    pub(crate) fn of(value: &[u8]) -> Self {
        let mut census = Self {
            is_hex: true,
            ..Self::default()
        };
        let mut seen = 0u128;
        for &byte in value {
            seen |= 1 << (byte & 0x7F);
            match byte {
                b'a'..=b'z' => census.lower += 1,
                b'A'..=b'Z' => census.upper += 1,
                b'0'..=b'9' => census.digits += 1,
                _ => census.others += 1,
            }
            census.is_hex &= byte.is_ascii_hexdigit();
        }
        census.distinct = seen.count_ones() as usize;
        census
    }

    pub(crate) fn letters(&self) -> usize {
        self.lower + self.upper
    }
}

/// Words that stand where a value should be put in.
const PLACEHOLDERS: &[&[u8]] = &[
    b"example",
    b"placeholder",
    b"redacted",
    b"changeme",
    b"change_me",
    b"change-me",
    b"your",
    b"insert",
    b"dummy",
    b"sample",
    b"replace",
    b"xxxx",
    b"****",
    b"....",
    b"<",
    b"${",
    b"{{",
    b"a-z",
    b"0-9",
    b"_here",
    b"-here",
    b"tokenhere",
    b"keyhere",
    b"todo",
    b"masked",
    b"hidden",
];

/// The first bytes of [`PLACEHOLDERS`].
static BEGINS_PLACEHOLDER: [bool; 256] = {
    let mut begins = [false; 256];
    let mut word = 0;
    while word < PLACEHOLDERS.len() {
        begins[PLACEHOLDERS[word][0] as usize] = true;
        word += 1;
    }
    begins
};

/// Whether the value stands for one that is to be put in: a word that says so, the same character again and again, or
/// the alphabet.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    repeats(value) || is_sequence(value) || says_placeholder(value)
}

/// Whether a word in the value says that it stands for another one.
pub(crate) fn says_placeholder(value: &[u8]) -> bool {
    // Long values are base64: a word in them is chance.
    let value = &value[..value.len().min(128)];
    (0..value.len()).any(|at| {
        let rest = &value[at..];
        // A word seldom begins there: then none is compared.
        if !BEGINS_PLACEHOLDER[usize::from(rest[0].to_ascii_lowercase())] {
            return false;
        }
        PLACEHOLDERS.iter().any(|word| {
            rest.len() >= word.len()
                && word
                    .iter()
                    .zip(rest)
                    .all(|(a, b)| *a == b.to_ascii_lowercase())
        })
    })
}

/// Whether the value consists of few characters, again and again.
pub(crate) fn repeats(value: &[u8]) -> bool {
    let same = value.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if value.len() >= 4 && same * 5 >= value.len() * 2 {
        return true;
    }
    let distinct = Census::of(value).distinct;
    let least = match value.len() {
        ..8 => 3,
        8..16 => 4,
        16..24 => 6,
        _ => 7,
    };
    distinct < least
}

/// Whether the value is the alphabet: letters or digits that ascend or descend, twenty in a row or nearly all of them.
pub(crate) fn is_sequence(value: &[u8]) -> bool {
    let mut longest = 1;
    let mut length = 1;
    let mut step = 0;
    for pair in value.windows(2) {
        let next =
            i16::from(pair[1].to_ascii_lowercase()) - i16::from(pair[0].to_ascii_lowercase());
        // After 9 comes 0 or a, after z comes 0.
        let next = match (pair[0], pair[1]) {
            (b'9', b'0' | b'a' | b'A') | (b'z' | b'Z', b'0' | b'1' | b'a' | b'A') => 1,
            _ => next,
        };
        if next.abs() == 1 && (length == 1 || next == step) {
            length += 1;
        } else {
            length = if next.abs() == 1 { 2 } else { 1 };
        }
        step = next;
        longest = longest.max(length);
    }
    longest >= 20 || (value.len() >= 6 && longest + 2 >= value.len())
}

/// Whether the 36 bytes are a UUID.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_odd() {
        for word in [
            "requiredCharacteristicTypesForDisplayMetadata",
            "ultraPictureBox1",
            "AcceptanceTimeoutSeconds",
            "THISSTRINGISALLUPPERCASE",
            "getPagesInConfluenceSpace",
            "PdfEncryptionKeySize.Key128Bit",
        ] {
            assert!(
                oddness(word.as_bytes()) < 22,
                "{word} {}",
                oddness(word.as_bytes())
            );
        }
    }

    #[test]
    fn random_values_are_odd() {
        for value in [
            "jCBaQngSHiHDRYOcsMcifUcysGyaiybUWz",
            "832d2129a8464e2799f47004b6ad53ef",
            "PsvVHMtfecsbsdScIMRjhReQYUBOZqOJTs",
            "itnjbftqv2fh1y3uf5mi0ds5nuzf0d",
            "7zxwkqvbnpmhjdfrtg",
        ] {
            assert!(
                oddness(value.as_bytes()) > 28,
                "{value} {}",
                oddness(value.as_bytes())
            );
        }
    }

    #[test]
    fn placeholders_are_known() {
        for value in [
            "xxxxxxxxxxxxxxxxxxxx",
            "XXXXXX-XXXXX",
            "AKIAIOSFODNN7EXAMPLE",
            "your-token-here",
            "00000000000000000000000000000000",
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "111111111111111111112",
            "SyabcdefghijklmnopqrstuvwxyZ1234567",
            "12345678",
            "<token>",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in [
            "75uk55s0jgd33792bsw1deat8kxnyrjw86b8",
            "P@ssw0rd123",
            "hunter2",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
