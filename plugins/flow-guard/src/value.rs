//! Values in a text that can lead somewhere: addresses, hosts, links, numbers, identifiers, names. Each is told as a
//! hash of its plain form, so that a value is the same however a sentence holds it, and the state keeps no values.

/// The longest run of a text that is looked at as one word, in bytes.
const LONGEST: usize = 256;
/// The shortest run of digits that is a number of something.
const DIGITS: usize = 6;

/// A value, and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The hash of its plain form.
    pub hash: u32,
    /// Where it begins.
    pub start: usize,
}

/// FNV-1a over the parts, mixed once more. It tells values apart; it does not hide them from who can guess them.
pub(crate) fn hash(parts: &[&[u8]]) -> u32 {
    let mut hash = Hasher::new();
    for part in parts {
        part.iter().for_each(|byte| hash.add(*byte));
    }
    hash.finish()
}

/// The longest text that is a value as a whole, in bytes.
pub(crate) const WHOLE: usize = 64;

/// The hash of a whole text by its letters and digits: the name of a person, a number of one digit. `None` where it has
/// none.
pub(crate) fn whole(text: &str) -> Option<u32> {
    let mut hash = Hasher::new();
    let mut any = false;
    let plain = text
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    for byte in plain {
        any = true;
        hash.add(byte);
    }
    any.then(|| hash.finish())
}

struct Hasher(u32);

impl Hasher {
    fn new() -> Self {
        Self(0x811c_9dc5)
    }

    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    }

    fn finish(self) -> u32 {
        let mut hash = self.0;
        hash ^= hash >> 16;
        hash = hash.wrapping_mul(0x7feb_352d);
        hash ^ hash >> 15
    }
}

/// Calls `found` with each value of the text, in one pass.
pub fn values(text: &str, mut found: impl FnMut(Value)) {
    let bytes = text.as_bytes();
    let mut names = Run::default();
    let mut numbers = Run::default();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut kinds = 0;
        while at < bytes.len() {
            let kind = KINDS[usize::from(bytes[at])];
            if kind & GAP != 0 {
                break;
            }
            kinds |= kind;
            at += 1;
        }
        // Most words are small letters alone.
        if kinds & !SMALL == 0 {
            if at > start {
                names.end(bytes, is_name, &mut found);
                numbers.end(bytes, is_number, &mut found);
            }
        } else {
            let (from, to) = trimmed(bytes, start, at);
            if from < to {
                let word = &bytes[from..to];
                let shape = Shape::of(word);
                if word.len() <= LONGEST && shape.is_value(word) {
                    let mut tell = |part: &[u8]| {
                        found(Value {
                            hash: hash(&[part]),
                            start: from,
                        });
                    };
                    tell(word);
                    host(word).into_iter().for_each(tell);
                }
                match shape.has(CAPITAL) && word[0].is_ascii_uppercase() {
                    true => names.add(from, to),
                    false => names.end(bytes, is_name, &mut found),
                }
                match shape.is_grouped() {
                    true => numbers.add(from, to),
                    false => numbers.end(bytes, is_number, &mut found),
                }
            }
            // A full stop ends a sentence, and a name with it.
            if to < at {
                names.end(bytes, is_name, &mut found);
                numbers.end(bytes, is_number, &mut found);
            }
        }
        if let Some(gap) = bytes.get(at) {
            // A line, a quote or a comma ends a name and a number.
            if !matches!(gap, b' ' | b'(' | b')') {
                names.end(bytes, is_name, &mut found);
                numbers.end(bytes, is_number, &mut found);
            }
            at += if is_escape(&bytes[at..]) { 2 } else { 1 };
        }
    }
    names.end(bytes, is_name, &mut found);
    numbers.end(bytes, is_number, &mut found);
}

/// Several words that are one value together.
#[derive(Default)]
struct Run {
    words: usize,
    start: usize,
    end: usize,
}

impl Run {
    fn add(&mut self, from: usize, to: usize) {
        if self.words == 0 {
            self.start = from;
        }
        self.words += 1;
        self.end = to;
    }

    fn end(&mut self, bytes: &[u8], is: fn(usize, &[u8]) -> bool, found: &mut impl FnMut(Value)) {
        let words = std::mem::take(&mut self.words);
        if words == 0 {
            return;
        }
        let text = &bytes[self.start..self.end];
        if is(words, text) {
            let mut hash = Hasher::new();
            let plain = text
                .iter()
                .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
            plain.for_each(|byte| hash.add(*byte));
            found(Value {
                hash: hash.finish(),
                start: self.start,
            });
        }
    }
}

/// Two to five words with capitals.
fn is_name(words: usize, text: &[u8]) -> bool {
    (2..=5).contains(&words) && text.len() <= LONGEST
}

/// A telephone number, an account number, an IBAN in groups.
fn is_number(_: usize, text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits >= DIGITS && text.len() <= 48
}

const GAP: u8 = 1;
const SMALL: u8 = 1 << 1;
const CAPITAL: u8 = 1 << 2;
const DIGIT: u8 = 1 << 3;
/// `@` and `#`.
const TAG: u8 = 1 << 4;
/// What stands in hosts, paths and numbers.
const POINT: u8 = 1 << 5;
/// What stands in identifiers and links.
const MARK: u8 = 1 << 6;
const OTHER: u8 = 1 << 7;

/// The kind of each byte.
static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | 0x80.. => SMALL,
            b'A'..=b'Z' => CAPITAL,
            b'0'..=b'9' => DIGIT,
            b'@' | b'#' => TAG,
            b'.' | b'/' => POINT,
            b'_' | b':' | b'=' => MARK,
            // They stand in numbers and in words, and tell nothing alone.
            b'-' | b'+' => 0,
            b' ' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')'
            | b'[' | b']' | b'{' | b'}' | b'\\' | b',' | b';' | b'|' | b'*' => GAP,
            _ => OTHER,
        };
        byte += 1;
    }
    kinds
}

/// What a word is made of.
struct Shape {
    kinds: u8,
    letters: usize,
}

impl Shape {
    fn of(word: &[u8]) -> Self {
        let mut shape = Self {
            kinds: 0,
            letters: 0,
        };
        for byte in word {
            let kind = KINDS[usize::from(*byte)];
            shape.kinds |= kind;
            shape.letters += usize::from(kind & (SMALL | CAPITAL) != 0);
        }
        shape
    }

    fn has(&self, kinds: u8) -> bool {
        self.kinds & kinds != 0
    }

    /// An address, a host or link, a path or file, an identifier of letters and digits, a channel.
    fn is_value(&self, word: &[u8]) -> bool {
        let named = self.letters >= 2 && self.has(TAG | POINT | MARK) && word.len() >= 4;
        let mixed = self.letters > 0 && self.has(DIGIT) && word.len() >= 5;
        named || mixed
    }

    /// Part of a number in groups: digits with what stands between them, or capitals and digits.
    fn is_grouped(&self) -> bool {
        self.has(DIGIT) && !self.has(SMALL | TAG | MARK | OTHER)
    }
}

/// Whether a line's end or a tab is written as an escape here: JSON in a text.
pub(crate) fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'n' | b'r' | b't', ..])
}

/// Without the marks that a sentence puts around a word.
fn trimmed(bytes: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    while to > from
        && matches!(
            bytes[to - 1],
            b'.' | b':' | b'!' | b'?' | b'/' | b'=' | b'-'
        )
    {
        to -= 1;
    }
    while from < to && matches!(bytes[from], b'.' | b':' | b'-' | b'=' | b'$') {
        from += 1;
    }
    (from, to)
}

/// The host of a link or of an address: two links to one host lead to one place.
fn host(word: &[u8]) -> Option<&[u8]> {
    let scheme = word.windows(3).position(|part| part == b"://");
    let after = match (scheme, word.iter().position(|byte| *byte == b'@')) {
        (Some(at), _) => &word[at + 3..],
        (None, Some(at)) => &word[at + 1..],
        (None, None) => word,
    };
    let end = after
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b':'));
    let host = &after[..end.unwrap_or(after.len())];
    let host = host.strip_prefix(b"www.").unwrap_or(host);
    let dot = host.iter().rposition(|byte| *byte == b'.')?;
    let top = &host[dot + 1..];
    let is_host = top.len() >= 2
        && top.iter().all(u8::is_ascii_alphabetic)
        && dot > 0
        && host.len() < word.len();
    // The provider of an address is no destination: half the world has the same one.
    let is_link = scheme.is_some() || word.starts_with(b"www.");
    (is_host && is_link).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, value: &str) -> bool {
        let mut wanted = Vec::new();
        values(value, |value| wanted.push(value.hash));
        let mut all = true;
        let mut seen = Vec::new();
        values(text, |value| seen.push(value.hash));
        for hash in &wanted {
            all &= seen.contains(hash);
        }
        !wanted.is_empty() && all
    }

    #[test]
    fn values_are_the_same_in_a_sentence_and_alone() {
        let text = "Please write to Mark.Black-2134@gmail.com, see https://example.com/a?b=c. Pay US13 3000 0000 1212 \
                    or call +1 (555) 123-4567; the \"Riverside View Hotel\" is near #general and report_2.pdf.";
        for value in [
            "mark.black-2134@gmail.com",
            "https://example.com/a?b=c",
            "US13300000001212",
            "+1 555 123 4567",
            "Riverside View Hotel",
            "#general",
            "report_2.pdf",
        ] {
            assert!(has(text, value), "{value}");
        }
        for other in ["john@gmail.com", "US133000000012", "Hotel"] {
            assert!(!has(text, other), "{other}");
        }
    }

    #[test]
    fn words_are_no_values() {
        let mut count = 0;
        values(
            "It was a day like every other, and 12 people came. They ate.",
            |_| count += 1,
        );
        assert_eq!(count, 0);
    }

    #[test]
    fn a_long_text_is_one_pass() {
        let text = "a.b@c.de Xy ".repeat(100_000);
        let mut count = 0;
        values(&text, |_| count += 1);
        assert!(count >= 100_000);
    }
}
