//! Replaces every occurrence of what was found in a whole document: in texts and member names, in numbers, and in the
//! encodings in which values travel. `docs/recording.md` lists these encodings. A value that cannot be found cannot be
//! replaced.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sandgate_message::{Kind as JsonKind, Node};

use super::number;

/// The fewest digits of a number that is found in any spelling. Shorter ones are found only as they are written.
const FEWEST_DIGITS: usize = 7;
/// The characters that may stand between two digits of one number.
const BETWEEN: &str = " -.()/－（）　";
/// The shortest piece of base 64 that is decoded. Shorter pieces cannot hold the shortest value.
const SHORTEST_CODED: usize = 6;
/// The most levels of nested encodings.
const DEEPEST: usize = 2;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Replaces values by their surrogates.
pub(super) struct Redactor {
    spellings: Vec<(String, String)>,
    matcher: Option<AhoCorasick>,
    /// The numbers and their surrogates, by their digits alone.
    numbers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Redactor {
    /// A redactor of these pairs. `None` if they are too many to search for.
    pub(super) fn of(pairs: &[(String, String)]) -> Option<Self> {
        let mut spellings: Vec<(String, String)> = Vec::new();
        let mut numbers = Vec::new();
        for (value, surrogate) in pairs {
            for (value, surrogate) in variants(value, surrogate) {
                if !spellings.iter().any(|(known, _)| *known == value) {
                    spellings.push((value, surrogate));
                }
            }
            let (from, to) = (number::digits(value), number::digits(surrogate));
            let is_number = !value.contains(|c: char| c.is_alphabetic());
            if is_number && from.len() >= FEWEST_DIGITS && from.len() == to.len() {
                numbers.push((from, to));
            }
        }
        numbers.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        let matcher = match spellings.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .ascii_case_insensitive(true)
                    .build(spellings.iter().map(|(value, _)| value))
                    .ok()?,
            ),
        };
        Some(Self {
            spellings,
            matcher,
            numbers,
        })
    }

    /// Appends the document with every occurrence replaced, without white space between its tokens.
    pub(super) fn document(&self, node: Node<'_>, out: &mut String) {
        match node.kind() {
            JsonKind::Object => {
                out.push('{');
                for (n, (name, value)) in node.members().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    quote(&self.text(&name), out);
                    out.push(':');
                    self.document(value, out);
                }
                out.push('}');
            }
            JsonKind::Array => {
                out.push('[');
                for (n, element) in node.elements().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    self.document(element, out);
                }
                out.push(']');
            }
            JsonKind::String => {
                let text = node.string().unwrap_or_default();
                let new = self.text(&text);
                match new == text {
                    true => out.push_str(node.as_str()),
                    false => quote(&new, out),
                }
            }
            JsonKind::Number => out.push_str(&self.text(node.as_str())),
            JsonKind::Null | JsonKind::Bool => out.push_str(node.as_str()),
        }
    }

    /// The text with every occurrence replaced.
    pub(super) fn text(&self, text: &str) -> String {
        self.within(text, 0)
    }

    fn within(&self, text: &str, depth: usize) -> String {
        let text = self.plain(text);
        let text = self.digits(&text);
        match depth < DEEPEST {
            true => self.coded(&text, depth + 1),
            false => text,
        }
    }

    fn plain(&self, text: &str) -> String {
        let Some(matcher) = &self.matcher else {
            return text.to_owned();
        };
        let mut new = String::with_capacity(text.len());
        let mut done = 0;
        for found in matcher.find_iter(text) {
            // A match begins and ends at character boundaries, since it equals a spelling except for ASCII's case.
            let stands = &text[found.range()];
            let exact = self.spellings.iter().find(|(value, _)| value == stands);
            let (_, surrogate) = exact.unwrap_or(&self.spellings[found.pattern().as_usize()]);
            new += &text[done..found.start()];
            new += surrogate;
            done = found.end();
        }
        new + &text[done..]
    }

    /// Replaces numbers, whatever stands between their digits.
    fn digits(&self, text: &str) -> String {
        let mut new = text.to_owned();
        for (from, to) in &self.numbers {
            let mut at = 0;
            while let Some((start, end)) = number(&new, from, at) {
                let spelt = number::spelt(&new[start..end], to);
                at = start + spelt.len();
                new.replace_range(start..end, &spelt);
            }
        }
        new
    }

    /// Replaces pieces of base 64 that hold a value.
    fn coded(&self, text: &str, depth: usize) -> String {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
        let bytes = text.as_bytes();
        let mut new = String::with_capacity(text.len());
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes[at..]
                .iter()
                .take_while(|byte| is_part(**byte))
                .count();
            let padding = bytes[at + length..]
                .iter()
                .take_while(|byte| **byte == b'=')
                .count();
            let end = at + length + padding.min(2);
            // A dotted part, as of a JWT, is never padded. Neither is a piece that could have been padded and was not.
            let part = text[..at].ends_with('.') || text[end..].starts_with('.');
            let padded = padding > 0 || (length % 4 == 0 && !part);
            match self.decoded(&text[at..at + length], padded, depth) {
                Some(other) if length >= SHORTEST_CODED => new += &other,
                _ => new += &text[at..end],
            }
            if end == at {
                // Text that is not base 64 is copied as it is, one character at a time.
                let next = text[at..].chars().next().map_or(1, char::len_utf8);
                new += &text[at..at + next];
                at += next;
            } else {
                at = end;
            }
        }
        new
    }

    fn decoded(&self, piece: &str, padded: bool, depth: usize) -> Option<String> {
        let alphabet = match piece.contains(['-', '_']) {
            true => alphabet::URL_SAFE,
            false => alphabet::STANDARD,
        };
        let engine = GeneralPurpose::new(&alphabet, LENIENT.with_encode_padding(padded));
        let inner = String::from_utf8(engine.decode(piece).ok()?).ok()?;
        let new = self.within(&inner, depth);
        (new != inner).then(|| engine.encode(new))
    }

    /// Whether any of the values still stands in the text.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        self.text(text) != text
    }
}

/// The range of a number in any spelling, at or after an offset.
fn number(text: &str, digits: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut run: Vec<(u8, usize, usize)> = Vec::new();
    let mut gap = 0;
    let whole = |run: &[(u8, usize, usize)]| {
        let found = run
            .windows(digits.len())
            .find(|window| window.iter().map(|(digit, ..)| digit).eq(digits))?;
        Some((found.first()?.1, found.last()?.2))
    };
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match number::digit(c) {
            Some(digit) => {
                run.push((digit, at, at + c.len_utf8()));
                gap = 0;
            }
            None if BETWEEN.contains(c) && gap < 2 => gap += 1,
            None => {
                if let Some(found) = whole(&run) {
                    return Some(found);
                }
                run.clear();
                gap = 0;
            }
        }
    }
    whole(&run)
}

/// The spellings of a value, each with that of its surrogate.
fn variants(value: &str, surrogate: &str) -> Vec<(String, String)> {
    let spell: [&dyn Fn(&str) -> String; 9] = [
        &str::to_owned,
        &number::compact,
        &|text| percent(text, false, false),
        &|text| percent(text, true, false),
        &|text| percent(text, false, true),
        &escaped,
        &|text| escaped(&escaped(text)),
        &|text| text.replace('/', "\\/"),
        &|text| sandgate_text::hex::encode(text),
    ];
    let html = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;").replace('"', "&quot;")
    };
    let of = |spell: &dyn Fn(&str) -> String| (spell(value), spell(surrogate));
    let mut variants: Vec<(String, String)> = spell.iter().map(|spell| of(*spell)).collect();
    variants.push(of(&html));
    variants.retain(|(value, _)| value.chars().count() >= 4);
    variants
}

/// The text percent-encoded as in URLs, or as in forms, where the space is a plus.
fn percent(text: &str, lower: bool, form: bool) -> String {
    let mut coded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                coded.push(char::from(byte));
            }
            b' ' if form => coded.push('+'),
            byte if lower => coded += &format!("%{byte:02x}"),
            byte => coded += &format!("%{byte:02X}"),
        }
    }
    coded
}

/// The text escaped as within a JSON string.
fn escaped(text: &str) -> String {
    let mut quoted = String::new();
    quote(text, &mut quoted);
    quoted[1..quoted.len() - 1].to_owned()
}

fn quote(text: &str, out: &mut String) {
    // A string can always be serialized.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use sandgate_message::{Json, Limits};

    use super::*;

    fn replacing() -> Redactor {
        let pairs = [
            ("ada+x@mail.example", "q1@zz.example.net"),
            ("4111 1111 1111 1111", "4000 0012 3456 7899"),
            ("p\"w/d \\ 1", "z\"z/z \\ 2"),
        ];
        Redactor::of(&pairs.map(|(one, other)| (one.to_owned(), other.to_owned()))).unwrap()
    }

    #[test]
    fn every_spelling_of_a_value_is_replaced_by_that_of_its_surrogate() {
        let replacing = replacing();
        for (text, new) in [
            ("<ada+x@mail.example>", "<q1@zz.example.net>"),
            ("ADA+X@Mail.Example", "q1@zz.example.net"),
            ("?m=ada%2Bx%40mail.example", "?m=q1%40zz.example.net"),
            ("?m=ada%2bx%40mail.example", "?m=q1%40zz.example.net"),
            ("no 4111-1111-1111-1111.", "no 4000-0012-3456-7899."),
            ("no 4111111111111111", "no 4000001234567899"),
            (
                "４１１１１１１１１１１１１１１１",
                "４０００００１２３４５６７８９９",
            ),
            (
                r#"{\"p\":\"p\\\"w/d \\\\ 1\"}"#,
                r#"{\"p\":\"z\\\"z/z \\\\ 2\"}"#,
            ),
            (
                "6164612b78406d61696c2e6578616d706c65",
                "7131407a7a2e6578616d706c652e6e6574",
            ),
        ] {
            assert_eq!(replacing.text(text), new);
        }
        for (engine, around) in [(&STANDARD, ["to ", ";"]), (&URL_SAFE_NO_PAD, ["", ""])] {
            let coded = |text: &str| around.join(&engine.encode(text));
            assert_eq!(
                replacing.text(&coded("it is ada+x@mail.example!")),
                coded("it is q1@zz.example.net!")
            );
        }
        assert!(!replacing.stands_in("41111111111111112 ada+y@mail.example"[17..].into()));
    }

    #[test]
    fn a_document_keeps_everything_else() {
        let json = r#"{ "ada+x@mail.example" : [1e400, 4111111111111111, "\u0061 caf\u00e9", true, null] }"#;
        let json = Json::parse(json, &Limits::default()).unwrap();
        let mut new = String::new();
        replacing().document(json.root(), &mut new);
        assert_eq!(
            new,
            r#"{"q1@zz.example.net":[1e400,4000001234567899,"\u0061 caf\u00e9",true,null]}"#
        );
    }
}
