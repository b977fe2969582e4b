//! Simple patterns: characters, classes, groups, alternatives and repetition, with anchors only at the two ends.
//!
//! A pattern is turned into the positions of its characters and the relation of which position may follow which
//! (Glushkov's automaton), one bit for each position. Matching takes time in proportion to the text and never
//! backtracks.

use crate::direct::Unsure;

/// Maximum positions. Each character or class is one position, and each repetition of it one more.
const POSITIONS: usize = 128;
/// Maximum steps of reading a pattern. A repeated part counts each time.
const STEPS: usize = 1_000;
/// Longest text that is matched, in bytes.
const TEXT: usize = 64 << 10;

/// A set of positions, one bit each.
type Set = u128;

pub(crate) struct Pattern {
    classes: Vec<Class>,
    /// For each position, the positions that may come next.
    follow: Vec<Set>,
    whole: Part,
    is_anchored_at_start: bool,
    is_anchored_at_end: bool,
    /// Whether the pattern has `\s` or `\S`. Both are about some characters beyond ASCII, so only ASCII texts are
    /// matched.
    has_space: bool,
}

/// A set of characters: one bit for each ASCII character, and whether all other characters belong to it.
#[derive(Clone, Copy, Default)]
struct Class {
    ascii: u128,
    beyond: bool,
}

/// A part of a pattern: the positions where a match of it may begin and end.
#[derive(Clone, Copy)]
struct Part {
    first: Set,
    last: Set,
    may_be_empty: bool,
}

impl Pattern {
    /// Reads a pattern. `None` where the pattern is not simple or not valid.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let whole = text.as_bytes();
        let is_anchored_at_start = whole.starts_with(b"^");
        let bytes = whole.strip_prefix(b"^").unwrap_or(whole);
        let unanchored = bytes.strip_suffix(b"$").filter(|rest| !escapes(rest));
        let is_anchored_at_end = unanchored.is_some();
        let mut reader = Reader {
            bytes: unanchored.unwrap_or(bytes),
            at: 0,
            steps: 0,
            classes: Vec::new(),
            follow: Vec::new(),
            has_space: false,
        };
        let whole = if reader.bytes.is_empty() {
            Part::EMPTY
        } else if is_anchored_at_start || is_anchored_at_end {
            // With alternatives, `^` would belong to the first one alone and `$` to the last one.
            reader.sequence()?
        } else {
            reader.alternatives()?
        };
        if reader.at < reader.bytes.len() {
            return None;
        }
        Some(Self {
            classes: reader.classes,
            follow: reader.follow,
            whole,
            is_anchored_at_start,
            is_anchored_at_end,
            has_space: reader.has_space,
        })
    }

    /// Whether the pattern matches anywhere in the text. [`Unsure`] for a text that is too long, or not ASCII where the
    /// pattern has `\s` or `\S`.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, Unsure> {
        if text.len() > TEXT || self.has_space && !text.is_ascii() {
            return Err(Unsure);
        }
        let is_anywhere = !self.is_anchored_at_start || !self.is_anchored_at_end;
        if self.whole.may_be_empty && (is_anywhere || text.is_empty()) {
            return Ok(true);
        }
        let mut next = self.whole.first;
        let mut found = 0;
        for character in text.chars() {
            if next == 0 {
                return Ok(false);
            }
            found = 0;
            for position in bits(next) {
                found |= Set::from(self.classes[position].has(character)) << position;
            }
            if !self.is_anchored_at_end && found & self.whole.last != 0 {
                return Ok(true);
            }
            next = if self.is_anchored_at_start {
                0
            } else {
                self.whole.first
            };
            for position in bits(found) {
                next |= self.follow[position];
            }
        }
        Ok(found & self.whole.last != 0)
    }
}

/// Whether the bytes end with an odd number of backslashes, so that the next character is escaped.
fn escapes(bytes: &[u8]) -> bool {
    let backslashes = bytes.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

fn bits(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (bit < Set::BITS).then_some(bit as usize)
    })
}

impl Class {
    fn one(byte: u8) -> Self {
        Self::range(byte, byte)
    }

    /// `start` must not be greater than `end`.
    fn range(start: u8, end: u8) -> Self {
        Self {
            ascii: (u128::MAX >> (127 - (end - start))) << start,
            beyond: false,
        }
    }

    fn digits() -> Self {
        Self::range(b'0', b'9')
    }

    fn word() -> Self {
        Self::range(b'a', b'z')
            .or(Self::range(b'A', b'Z'))
            .or(Self::digits())
            .or(Self::one(b'_'))
    }

    fn space() -> Self {
        Self::range(b'\t', b'\r').or(Self::one(b' '))
    }

    fn or(self, other: Self) -> Self {
        Self {
            ascii: self.ascii | other.ascii,
            beyond: self.beyond || other.beyond,
        }
    }

    fn not(self) -> Self {
        Self {
            ascii: !self.ascii,
            beyond: !self.beyond,
        }
    }

    fn has(self, character: char) -> bool {
        if character.is_ascii() {
            self.ascii >> u32::from(character) & 1 == 1
        } else {
            self.beyond
        }
    }
}

impl Part {
    const EMPTY: Self = Self {
        first: 0,
        last: 0,
        may_be_empty: true,
    };

    fn or(self, other: Self) -> Self {
        Self {
            first: self.first | other.first,
            last: self.last | other.last,
            may_be_empty: self.may_be_empty || other.may_be_empty,
        }
    }
}

struct Reader<'p> {
    bytes: &'p [u8],
    at: usize,
    steps: usize,
    classes: Vec<Class>,
    follow: Vec<Set>,
    has_space: bool,
}

/// How often something is repeated. `most` is `None` for no upper bound.
struct Repetition {
    least: usize,
    most: Option<usize>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek().filter(u8::is_ascii)?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn alternatives(&mut self) -> Option<Part> {
        let mut whole = self.sequence()?;
        while self.take(b'|') {
            whole = whole.or(self.sequence()?);
        }
        Some(whole)
    }

    /// Reads a sequence, which must not be empty.
    fn sequence(&mut self) -> Option<Part> {
        let mut whole = self.repeated()?;
        while !matches!(self.peek(), None | Some(b'|' | b')')) {
            let next = self.repeated()?;
            whole = self.then(whole, next);
        }
        Some(whole)
    }

    /// Connects two parts: `next` follows `part`.
    fn then(&mut self, part: Part, next: Part) -> Part {
        for position in bits(part.last) {
            self.follow[position] |= next.first;
        }
        Part {
            first: part.first | if part.may_be_empty { next.first } else { 0 },
            last: next.last | if next.may_be_empty { part.last } else { 0 },
            may_be_empty: part.may_be_empty && next.may_be_empty,
        }
    }

    /// Connects a part with itself: the part may be repeated.
    fn again(&mut self, part: Part) -> Part {
        self.then(part, part);
        part
    }

    /// Reads an atom and its repetition. Each repetition reads the atom again, so that it gets positions of its own.
    fn repeated(&mut self) -> Option<Part> {
        let start = self.at;
        let mut part = self.atom()?;
        let Some(Repetition { least, most }) = self.repetition()? else {
            return Some(part);
        };
        let behind = self.at;
        if most.is_none() && least <= 1 {
            part = self.again(part);
        }
        part.may_be_empty |= least == 0;
        let mut whole = part;
        for count in 1..most.unwrap_or(least) {
            self.at = start;
            let mut part = self.atom()?;
            if most.is_none() && count + 1 == least {
                part = self.again(part);
            }
            part.may_be_empty |= count >= least;
            whole = self.then(whole, part);
        }
        self.at = behind;
        Some(whole)
    }

    /// Reads a repetition. `None`: it is not simple. `Some(None)`: there is none.
    fn repetition(&mut self) -> Option<Option<Repetition>> {
        let (least, most) = match self.peek() {
            Some(b'?') => (0, Some(1)),
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'{') => {
                self.at += 1;
                let least = self.count()?;
                let most = if !self.take(b',') {
                    Some(least)
                } else if self.peek() == Some(b'}') {
                    None
                } else {
                    Some(self.count()?)
                };
                if self.peek() != Some(b'}') || most.is_some_and(|most| most < least.max(1)) {
                    return None;
                }
                (least, most)
            }
            _ => return Some(None),
        };
        self.at += 1;
        // A lazy repetition, or a repetition of a repetition.
        if let Some(b'?' | b'*' | b'+' | b'{') = self.peek() {
            return None;
        }
        Some(Some(Repetition { least, most }))
    }

    fn count(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        digits.parse().ok().filter(|count| *count <= POSITIONS)
    }

    fn atom(&mut self) -> Option<Part> {
        self.steps += 1;
        if self.steps > STEPS {
            return None;
        }
        let class = match self.next()? {
            b'(' => {
                if self.take(b'?') && !self.take(b':') {
                    return None;
                }
                let part = self.alternatives()?;
                return self.take(b')').then_some(part);
            }
            b'[' => self.class()?,
            b'.' => Class::one(b'\n').not(),
            b'\\' => self.escape()?.0,
            b'^' | b'$' | b'*' | b'+' | b'?' | b'{' | b'}' | b']' | b'|' | b')' => return None,
            byte => Class::one(byte),
        };
        let position = self.classes.len();
        if position == POSITIONS {
            return None;
        }
        self.classes.push(class);
        self.follow.push(0);
        Some(Part {
            first: 1 << position,
            last: 1 << position,
            may_be_empty: false,
        })
    }

    /// Reads what follows a backslash: the class, and the character if the class is a single one.
    fn escape(&mut self) -> Option<(Class, Option<u8>)> {
        let byte = self.next()?;
        self.has_space |= matches!(byte, b's' | b'S');
        let class = match byte {
            b'd' => Class::digits(),
            b'D' => Class::digits().not(),
            b'w' => Class::word(),
            b'W' => Class::word().not(),
            b's' => Class::space(),
            b'S' => Class::space().not(),
            _ => {
                let one = match byte {
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b'.' | b'/' | b'-' | b'+' | b'*' | b'?' | b'(' | b')' | b'[' | b']' | b'{'
                    | b'}' | b'|' | b'^' | b'$' | b'\\' => byte,
                    _ => return None,
                };
                return Some((Class::one(one), Some(one)));
            }
        };
        Some((class, None))
    }

    /// Reads a class in brackets. The opening bracket has been read.
    fn class(&mut self) -> Option<Class> {
        let is_negated = self.take(b'^');
        let start = self.at;
        let mut class = Class::default();
        loop {
            let (item, one) = match self.next()? {
                b']' if self.at > start + 1 => break,
                b'\\' => self.escape()?,
                // A hyphen outside a range is accepted only as the first or last character.
                b'-' if self.at > start + 1 && self.peek() != Some(b']') => return None,
                b'-' if self.peek() == Some(b'-') => return None,
                // Two of these in a row are operators in some engines.
                b'[' | b']' | b'&' | b'~' | b'^' => return None,
                byte => (Class::one(byte), Some(byte)),
            };
            let is_range = self.peek() == Some(b'-')
                && self
                    .bytes
                    .get(self.at + 1)
                    .is_some_and(|byte| *byte != b']');
            if !is_range {
                class = class.or(item);
                continue;
            }
            self.at += 1;
            let end = match self.next()? {
                b'\\' => self.escape()?.1?,
                b'[' | b'&' | b'~' | b'^' | b'-' => return None,
                byte => byte,
            };
            let start = one.filter(|start| *start <= end)?;
            class = class.or(Class::range(start, end));
        }
        Some(if is_negated { class.not() } else { class })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Checks that the library accepts every pattern that is accepted here, in both drafts, and that another engine
    /// finds the same matches.
    fn agrees(pattern: &str, text: &str) {
        let Some(simple) = Pattern::of(pattern) else {
            return;
        };
        for schema in [
            serde_json::json!({ "pattern": pattern }),
            serde_json::json!({"$schema": "http://json-schema.org/draft-07/schema#", "pattern": pattern}),
        ] {
            assert!(jsonschema::options().build(&schema).is_ok(), "{pattern}");
        }
        if let Ok(ours) = simple.is_match(text) {
            let theirs = regex_lite::Regex::new(pattern).unwrap().is_match(text);
            assert_eq!(ours, theirs, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn patterns_that_are_often_written_are_simple() {
        for (pattern, fitting, other) in [
            ("^[a-zA-Z0-9_-]+$", "a_B-9", "a b"),
            ("^[a-z0-9]{1,64}$", "a", ""),
            (r"^\d{4}-\d{2}-\d{2}$", "2026-11-29", "2026-11-9"),
            ("^https?://", "http://x", "ftp://x"),
            (r"^\+?[1-9]\d{1,14}$", "+4930123456", "0123"),
            ("^(asc|desc)$", "desc", "descending"),
            (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "a@b.c", "a@b"),
            (r"^v?\d+(\.\d+)*$", "v1.2.3", "v1."),
            ("^$", "", "x"),
            ("a|bc", "xbcx", "b"),
            (
                "^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$",
                "00:11:22:33:44:ff",
                "00:11",
            ),
            (r"^#[0-9A-Fa-f]{6}$", "#00ff00", "#00ff0"),
            ("^.*$", "é", "a\nb"),
            (r"\.(png|jpe?g)$", "x.jpeg", "x.gif"),
            ("^a{2,}$", "aaaa", "a"),
            (r"^\$", "$x", "x$"),
            (r"\\$", "\\", "$"),
        ] {
            let simple = Pattern::of(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(simple.is_match(fitting), Ok(true), "{pattern}");
            assert_eq!(simple.is_match(other), Ok(false), "{pattern}");
            agrees(pattern, fitting);
            agrees(pattern, other);
        }
    }

    #[test]
    fn what_is_not_simple_is_left_to_the_library() {
        for pattern in [
            "(",
            ")",
            "[",
            "[]",
            "a**",
            "a+?",
            "(?=a)",
            "(?i)a",
            r"\bx",
            r"(a)\1",
            "a{2",
            "{",
            "a^b",
            "^a|b$",
            "é",
            r"\p{L}",
            "a{1000}",
            "(((a{100}){100}){100})",
            "[a&&b]",
            "[z-a]",
            r"[\w-z]",
            r"\<",
            "a{0}",
        ] {
            assert!(Pattern::of(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn the_largest_simple_patterns_are_within_a_library_s_bounds() {
        for class in [".", r"\W", r"[^\s]", "[^a-z]", r"\D"] {
            let pattern = format!("^{class}{{{POSITIONS}}}$");
            assert!(Pattern::of(&pattern).is_some());
            let bounds = jsonschema::PatternOptions::fancy_regex()
                .size_limit(1 << 20)
                .dfa_size_limit(1 << 20);
            let schema = serde_json::json!({ "pattern": pattern });
            let validator = jsonschema::options()
                .with_pattern_options(bounds)
                .build(&schema);
            assert!(validator.is_ok(), "{pattern}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4_000))]

        #[test]
        fn it_agrees_with_the_library(
            pattern in r"\^?([abc.]|[ab][*+?]|\((\?:)?[ab]{1,2}(\|[bc])?\)[*+?]?|\[\^?[abd-]{1,3}\][+]?|\\[dDwWsS./$-]|[ab]\{[01],?[0-3]?\}|\||[{}&~)\]-]){0,6}\$?",
            text in "[abcd .$/1_\u{e9}\u{2003}\n-]{0,8}",
        ) {
            agrees(&pattern, &text);
        }
    }
}
