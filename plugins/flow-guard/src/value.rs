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
        if is_gap(bytes[at]) {
            // A line, a bracket or a comma ends a name and a number.
            if !matches!(bytes[at], b' ' | b'(' | b')') {
                names.end(bytes, is_name, &mut found);
                numbers.end(bytes, is_number, &mut found);
            }
            at += if is_escape(&bytes[at..]) { 2 } else { 1 };
            continue;
        }
        let start = at;
        while at < bytes.len() && !is_gap(bytes[at]) {
            at += 1;
        }
        let (from, to) = trimmed(bytes, start, at);
        if from >= to {
            continue;
        }
        let word = &bytes[from..to];
        let shape = Shape::of(word);
        if word.len() <= LONGEST && shape.is_value(word) {
            found(Value {
                hash: hash(&[word]),
                start: from,
            });
            if let Some(host) = host(word) {
                found(Value {
                    hash: hash(&[host]),
                    start: from,
                });
            }
        }
        match shape.begins_with_capital {
            true => names.add(from, to),
            false => names.end(bytes, is_name, &mut found),
        }
        match shape.is_grouped(word) {
            true => numbers.add(from, to),
            false => numbers.end(bytes, is_number, &mut found),
        }
        // A full stop ends a sentence, and a name with it.
        if to < at {
            names.end(bytes, is_name, &mut found);
            numbers.end(bytes, is_number, &mut found);
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

/// What a word is made of.
struct Shape {
    digits: usize,
    letters: usize,
    inner: bool,
    at: bool,
    begins_with_capital: bool,
}

impl Shape {
    fn of(word: &[u8]) -> Self {
        let mut shape = Self {
            digits: 0,
            letters: 0,
            inner: false,
            at: false,
            begins_with_capital: word[0].is_ascii_uppercase(),
        };
        let last = word.len() - 1;
        for (index, byte) in word.iter().enumerate() {
            match byte {
                b'0'..=b'9' => shape.digits += 1,
                b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => shape.letters += 1,
                b'@' => shape.at = true,
                b'.' | b'/' | b'_' | b':' | b'=' => shape.inner |= index < last,
                _ => {}
            }
        }
        shape
    }

    /// An address, a host or link, a path or file, an identifier of letters and digits, a long number, a channel.
    fn is_value(&self, word: &[u8]) -> bool {
        let named = self.letters >= 2 && (self.at || self.inner) && word.len() >= 4;
        let mixed = self.letters > 0 && self.digits > 0 && word.len() >= 5;
        let tagged = matches!(word[0], b'#' | b'@') && self.letters + self.digits >= 3;
        named || mixed || tagged
    }

    /// Part of a number in groups: digits with what stands between them, or capitals and digits.
    fn is_grouped(&self, word: &[u8]) -> bool {
        self.digits > 0
            && word.iter().all(|byte| {
                byte.is_ascii_digit()
                    || byte.is_ascii_uppercase()
                    || matches!(byte, b'+' | b'-' | b'.' | b'/')
            })
    }
}

/// Whether a line's end or a tab is written as an escape here: JSON in a text.
pub(crate) fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'n' | b'r' | b't', ..])
}

/// What stands between words.
fn is_gap(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n'
            | b'\r'
            | b'\t'
            | b'"'
            | b'\''
            | b'`'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'\\'
            | b','
            | b';'
            | b'|'
            | b'*'
    )
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
    (is_host && scheme.is_some() || is_host && word.starts_with(b"www.")).then_some(host)
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
