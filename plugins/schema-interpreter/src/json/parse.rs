//! Parses what serde_json parses, with the same limit of depth and the same numbers. Lone surrogates are errors.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use super::tape::{Kind, Node, Tape, hash};
use crate::keyword::word;

/// Maximum levels of containers, as in serde_json.
const DEPTH: usize = 127;
/// Objects with more members than this are searched for repeated names by sorting.
const PAIRWISE: usize = 24;

/// The text is not JSON, is 4 GiB or longer, has more than 127 levels of containers, or has a number beyond the range
/// of `f64`.
#[derive(Debug, PartialEq, Eq)]
pub struct NotJson;

impl std::error::Error for NotJson {}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no JSON, or nested too deep, or with a number that is too large")
    }
}

impl<'t> Tape<'t> {
    /// Parses a document.
    ///
    /// # Errors
    ///
    /// [`NotJson`] where serde_json would fail too, and for a text of 4 GiB or more.
    pub fn parse(text: &'t str) -> Result<Self, NotJson> {
        if u32::try_from(text.len()).is_err() {
            return Err(NotJson);
        }
        let mut parser = Parser {
            bytes: text.as_bytes(),
            at: 0,
            tape: Tape {
                text,
                // Most documents need no more. Unused capacity is never touched, so it costs no page.
                nodes: Vec::with_capacity(text.len() / 4 + 4),
                depth: 0,
                may_repeat: false,
            },
        };
        parser.value(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(NotJson);
        }
        Ok(parser.tape)
    }
}

struct Parser<'t> {
    bytes: &'t [u8],
    at: usize,
    tape: Tape<'t>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), NotJson> {
        if !self.bytes[self.at..].starts_with(text) {
            return Err(NotJson);
        }
        self.at += text.len();
        Ok(())
    }

    /// Adds a node that ends at the current position. Returns its index.
    fn push(&mut self, kind: Kind, start: usize) -> usize {
        let index = self.tape.nodes.len();
        self.tape.nodes.push(Node {
            start: start as u32,
            end: self.at as u32,
            note: Cell::new(0),
            kind,
            has_escapes: false,
            word: 0,
            mark: Cell::new(false),
        });
        index
    }

    fn value(&mut self, depth: usize) -> Result<(), NotJson> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string(Kind::String)?;
            }
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b't') => {
                self.expect(b"true")?;
                self.push(Kind::True, start);
            }
            Some(b'f') => {
                self.expect(b"false")?;
                self.push(Kind::False, start);
            }
            Some(b'n') => {
                self.expect(b"null")?;
                self.push(Kind::Null, start);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(NotJson),
        }
        Ok(())
    }

    fn opened(&mut self, kind: Kind, depth: usize) -> Result<usize, NotJson> {
        if depth >= DEPTH {
            return Err(NotJson);
        }
        self.tape.depth = self.tape.depth.max(depth + 1);
        let node = self.push(kind, self.at);
        self.at += 1;
        self.space();
        Ok(node)
    }

    fn closed(&mut self, node: usize, count: u32) {
        self.at += 1;
        let end = self.tape.nodes.len() as u32;
        self.tape.nodes[node].end = end;
        self.tape.nodes[node].note.set(count);
    }

    fn array(&mut self, depth: usize) -> Result<(), NotJson> {
        let node = self.opened(Kind::Array, depth)?;
        let mut count = 0;
        if self.peek() != Some(b']') {
            loop {
                self.value(depth + 1)?;
                count += 1;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(NotJson),
                }
            }
        }
        self.closed(node, count);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), NotJson> {
        let node = self.opened(Kind::Object, depth)?;
        let mut count = 0;
        if self.peek() != Some(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(NotJson);
                }
                let name = self.string(Kind::Name)?;
                self.named(name);
                self.space();
                self.expect(b":")?;
                self.value(depth + 1)?;
                count += 1;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(NotJson),
                }
            }
        }
        self.closed(node, count);
        if !self.tape.may_repeat {
            self.tape.may_repeat = self.repeats(node, count as usize);
        }
        Ok(())
    }

    fn named(&mut self, node: usize) {
        let node = &mut self.tape.nodes[node];
        let raw = &self.tape.text[node.start as usize..node.end as usize];
        let name = if node.has_escapes {
            unescaped(raw)
        } else {
            Cow::Borrowed(raw)
        };
        let hash = hash(name.as_bytes());
        node.note.set(hash);
        node.word = word(name.as_bytes(), hash);
    }

    /// Whether two names of the object have the same hash.
    fn repeats(&self, object: usize, count: usize) -> bool {
        let object = self.tape.value(object as u32);
        if count > PAIRWISE {
            let mut hashes: Vec<u32> = object.members().map(|(name, _)| name.note()).collect();
            hashes.sort_unstable();
            return hashes.windows(2).any(|pair| pair[0] == pair[1]);
        }
        let mut hashes = [0; PAIRWISE];
        for (index, (name, _)) in object.members().enumerate() {
            if hashes[..index].contains(&name.note()) {
                return true;
            }
            hashes[index] = name.note();
        }
        false
    }

    fn string(&mut self, kind: Kind) -> Result<usize, NotJson> {
        self.at += 1;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(NotJson),
            }
        }
        let node = self.push(kind, start);
        self.tape.nodes[node].has_escapes = has_escapes;
        self.at += 1;
        Ok(node)
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        let (_, length) = escaped(&self.bytes[self.at..]).ok_or(NotJson)?;
        self.at += length;
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, NotJson> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(NotJson);
        }
        Ok(self.at - start)
    }

    fn number(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let starts_with_zero = self.peek() == Some(b'0');
        let mut digits = self.digits()?;
        if starts_with_zero && digits > 1 {
            return Err(NotJson);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
            digits = usize::MAX;
        }
        // Only a number with an exponent or with more than 300 digits can be beyond the range of `f64`.
        if digits > 300 {
            let float: Result<f64, _> = self.tape.text[start..self.at].parse();
            if !float.is_ok_and(f64::is_finite) {
                return Err(NotJson);
            }
        }
        self.push(Kind::Number, start);
        Ok(())
    }
}

/// The number of bytes before the first quote, backslash or control character.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    // Compares eight bytes at a time. The lowest set high bit of `found` is in the first byte that is not plain.
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote
            | slash.wrapping_sub(ONES) & !slash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes[at..]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    at + rest.unwrap_or(bytes.len() - at)
}

/// The character that the escape at the start of `bytes` stands for, and the length of the escape in bytes.
fn escaped(bytes: &[u8]) -> Option<(char, usize)> {
    let simple = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(bytes, 2)?;
            if !(0xD800..0xDC00).contains(&first) {
                return Some((char::from_u32(first)?, 6));
            }
            if bytes.get(6..8)? != br"\u" {
                return None;
            }
            let second = unit(bytes, 8)?;
            let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            return Some((
                char::from_u32(0x10000 + ((first - 0xD800) << 10 | low))?,
                12,
            ));
        }
        _ => return None,
    };
    Some((simple, 2))
}

fn unit(bytes: &[u8], from: usize) -> Option<u32> {
    bytes
        .get(from..from + 4)?
        .iter()
        .try_fold(0, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
}

/// Resolves the escapes of a string that was parsed. `raw` is the text between the quotes.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let Some((character, length)) = escaped(&rest.as_bytes()[at..]) else {
            break;
        };
        text.push(character);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}
