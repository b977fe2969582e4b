//! The one parser: reads a text once, without recursion, and leaves its tape. Strict where RFC 8259 is, stricter where
//! two readers could take the same text differently.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::escape::unescape;
use crate::json::{Limits, Malformed, Trouble};
use crate::tape::{Entry, MAX_BYTES, Tag};

/// No array or object is open.
const TOP: u32 = u32::MAX;

/// Objects of up to this many members are compared pair by pair: cheaper than hashing, and still linear in the text.
const PAIRWISE: usize = 16;

/// Checks the text's size, before anything else looks at it.
pub(crate) fn check_size(length: usize, limits: &Limits) -> Result<(), Malformed> {
    let most = limits.bytes.min(MAX_BYTES);
    if length > most {
        return Err(Malformed {
            offset: most,
            trouble: Trouble::Size(most),
        });
    }
    Ok(())
}

/// Checks a text that is no larger than its limit and returns its tape; the first entry is the whole value.
pub(crate) fn scan(text: &str, limits: &Limits) -> Result<Vec<Entry>, Malformed> {
    // Replies have a value for every 20 bytes or so: room enough that the tape of a usual one never moves, and an upper
    // bound, so that one long string does not cost a long tape.
    let tape = Vec::with_capacity((text.len() / 8 + 4).min(1 << 14));
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        tape,
        open: TOP,
        depth: 0,
        deepest: limits.depth,
    };
    scanner.run()?;
    Ok(scanner.tape)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tape: Vec<Entry>,
    /// The innermost array or object that is not closed yet; each holds its parent, so the tape is the stack.
    open: u32,
    depth: usize,
    deepest: usize,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), Malformed> {
        let mut in_object = false;
        'value: loop {
            self.skip_space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => self.string(Tag::String)?,
                Some(b'{') => {
                    self.enter(Tag::Object)?;
                    self.skip_space();
                    if self.peek() != Some(b'}') {
                        in_object = true;
                        self.key("expected a member name or `}`")?;
                        continue 'value;
                    }
                    self.at += 1;
                    in_object = self.leave();
                }
                Some(b'[') => {
                    self.enter(Tag::Array)?;
                    self.skip_space();
                    if self.peek() != Some(b']') {
                        in_object = false;
                        continue 'value;
                    }
                    self.at += 1;
                    in_object = self.leave();
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true", Tag::Bool)?,
                Some(b'f') => self.literal(b"false", Tag::Bool)?,
                Some(b'n') => self.literal(b"null", Tag::Null)?,
                _ => return Err(wrong(start, "expected a value")),
            }
            loop {
                self.skip_space();
                if self.open == TOP {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(wrong(self.at, "expected the end")),
                    };
                }
                match (self.peek(), in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.skip_space();
                        self.key("expected a member name")?;
                        continue 'value;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        continue 'value;
                    }
                    (Some(b'}'), true) => {
                        self.at += 1;
                        self.check_names()?;
                        in_object = self.leave();
                    }
                    (Some(b']'), false) => {
                        self.at += 1;
                        in_object = self.leave();
                    }
                    (_, true) => return Err(wrong(self.at, "expected `,` or `}`")),
                    (_, false) => return Err(wrong(self.at, "expected `,` or `]`")),
                }
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn enter(&mut self, tag: Tag) -> Result<(), Malformed> {
        if self.depth == self.deepest {
            return Err(Malformed {
                offset: self.at,
                trouble: Trouble::Depth(self.deepest),
            });
        }
        self.depth += 1;
        let parent = std::mem::replace(&mut self.open, self.tape.len() as u32);
        self.tape.push(Entry::open(tag, self.at, parent));
        self.at += 1;
        Ok(())
    }

    /// Closes the innermost array or object; true where that leaves us in an object.
    fn leave(&mut self) -> bool {
        let entries = self.tape.len() - self.open as usize;
        let entry = &mut self.tape[self.open as usize];
        let parent = entry.end;
        entry.close(self.at, entries);
        self.depth -= 1;
        self.open = parent;
        parent != TOP && self.tape[parent as usize].tag() == Tag::Object
    }

    #[inline]
    fn key(&mut self, expected: &'static str) -> Result<(), Malformed> {
        if self.peek() != Some(b'"') {
            return Err(wrong(self.at, expected));
        }
        self.string(Tag::Key)?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(wrong(self.at, "expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn string(&mut self, tag: Tag) -> Result<(), Malformed> {
        let start = self.at;
        let mut at = start + 1;
        let mut escaped = false;
        loop {
            at = plain_end(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape_end(self.bytes, at)?;
                }
                Some(_) => return Err(wrong(at, "control character in a string")),
                None => return Err(wrong(at, "unfinished string")),
            }
        }
        self.at = at + 1;
        self.tape.push(Entry::text(tag, start, self.at, escaped));
        Ok(())
    }

    fn number(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        self.at += usize::from(self.bytes[start] == b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
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
        }
        self.tape.push(Entry::new(Tag::Number, start, self.at));
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(wrong(start, "expected a digit"))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, word: &'static [u8], tag: Tag) -> Result<(), Malformed> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(wrong(self.at, "expected a value"));
        }
        self.tape
            .push(Entry::new(tag, self.at, self.at + word.len()));
        self.at += word.len();
        Ok(())
    }

    /// No two members of the object that ends here have the same name, escapes resolved.
    fn check_names(&self) -> Result<(), Malformed> {
        let (mut members, mut escaped) = (0, false);
        for key in self.names() {
            members += 1;
            escaped |= key.escaped();
        }
        if members <= 1 {
            return Ok(());
        }
        if members > PAIRWISE || escaped {
            return self.check_many_names(members);
        }
        for (n, key) in self.names().enumerate().skip(1) {
            let name = &self.bytes[key.content()];
            if self
                .names()
                .take(n)
                .any(|earlier| self.bytes[earlier.content()] == *name)
            {
                return Err(duplicate(key));
            }
        }
        Ok(())
    }

    fn check_many_names(&self, members: usize) -> Result<(), Malformed> {
        // Keyed at random, as std does: a sender cannot choose names that collide.
        let mut seen: HashSet<Cow<'_, str>> = HashSet::with_capacity(members);
        for key in self.names() {
            if !seen.insert(unescape(&self.text[key.content()])) {
                return Err(duplicate(key));
            }
        }
        Ok(())
    }

    /// Member names of the innermost object.
    fn names(&self) -> impl Iterator<Item = Entry> {
        let mut next = self.open as usize + 1;
        std::iter::from_fn(move || {
            let key = *self.tape.get(next)?;
            next += 1;
            next += self.tape.get(next)?.span() as usize;
            Some(key)
        })
    }
}

fn wrong(offset: usize, expected: &'static str) -> Malformed {
    Malformed {
        offset,
        trouble: Trouble::Syntax(expected),
    }
}

fn duplicate(key: Entry) -> Malformed {
    Malformed {
        offset: key.start as usize,
        trouble: Trouble::DuplicateKey,
    }
}

/// The first quote, backslash or control character from `at` on; the end of the text where there is none.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // Most strings are short: two words of eight, then blocks that the compiler turns into vector code.
    for _ in 0..2 {
        let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return plain_end_bytewise(bytes, at);
        };
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(block) = bytes[at..].first_chunk::<32>() {
        let hit = block.iter().fold(0, |hit, &b| {
            hit | u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\')
        });
        if hit != 0 {
            break;
        }
        at += 32;
    }
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    plain_end_bytewise(bytes, at)
}

fn plain_end_bytewise(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Sets the high bit of each of the word's eight bytes that ends a plain run. Bytes above the first hit may be set
/// wrongly (a borrow runs upwards), so only the lowest counts.
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    (below(word, 0x20) | below(quote, 1) | below(slash, 1)) & HIGH
}

/// The end of the escape that begins at `at`; a pair of surrogates is one escape.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex(bytes, at + 2)? {
            0xD800..=0xDBFF if bytes.get(at + 6..at + 8) == Some(b"\\u") => {
                match hex(bytes, at + 8)? {
                    0xDC00..=0xDFFF => Ok(at + 12),
                    _ => Err(Malformed {
                        offset: at,
                        trouble: Trouble::LoneSurrogate,
                    }),
                }
            }
            0xD800..=0xDFFF => Err(Malformed {
                offset: at,
                trouble: Trouble::LoneSurrogate,
            }),
            _ => Ok(at + 6),
        },
        _ => Err(wrong(at, "unknown escape")),
    }
}

fn hex(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    let mut code = 0;
    for &byte in digits {
        code = code << 4
            | char::from(byte)
                .to_digit(16)
                .ok_or_else(|| wrong(at, "expected four hex digits"))?;
    }
    if digits.len() == 4 {
        Ok(code)
    } else {
        Err(wrong(at, "expected four hex digits"))
    }
}
