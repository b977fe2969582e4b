//! Reads a text as passages, one token after the other.

use super::features::State;
use super::layout::{Layout, Place};
use super::lexicon::{self, Class};
use super::passage::Sink;

/// Reads the text. `text` is normalised.
pub fn read(text: &str, sink: &mut impl Sink) {
    let bytes = text.as_bytes();
    let mut reader = Reader {
        bytes,
        at: 0,
        layout: Layout::of(bytes),
        place: Place::Line,
        is_fenced: false,
        line: 0,
        before: [0; 2],
        state: State::new(),
        sink,
    };
    reader.run();
}

/// Where the reading of a text has come to.
pub(super) struct Reader<'t, S> {
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    pub(super) layout: Layout,
    pub(super) place: Place,
    /// Inside a fenced block of Markdown.
    pub(super) is_fenced: bool,
    /// Where the line begins.
    pub(super) line: usize,
    pub(super) before: [u64; 2],
    pub(super) state: State,
    pub(super) sink: &'t mut S,
}

impl<S: Sink> Reader<'_, S> {
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn run(&mut self) {
        self.begin_line();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0xC3..=0xDF => self.word(),
                0xE3..=0xED => self.pair(),
                b' ' | b'\r' => self.at += 1,
                b'\n' => self.newline(1),
                b'\\' => self.escape(),
                _ => self.mark(byte),
            }
        }
        self.finish();
    }

    /// A word, number, address or name.
    fn word(&mut self) {
        let start = self.at;
        let mut hash = lexicon::SEED;
        let mut marks = 0;
        loop {
            let byte = self.byte(self.at);
            let mut lower = LOWER[usize::from(byte)];
            if lower == 0 {
                match byte {
                    b'\'' if self.at > start && self.byte(self.at + 1).is_ascii_alphabetic() => {
                        lower = byte;
                    }
                    0xC3 => {
                        self.at += 1;
                        marks += 1;
                        lower = lexicon::plain(self.byte(self.at));
                    }
                    0xC4..=0xDF => {
                        hash = lexicon::step(hash, byte);
                        self.at += 1;
                        marks += 1;
                        lower = self.byte(self.at);
                    }
                    _ => break,
                }
            }
            hash = lexicon::step(hash, lower);
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        let length = word.len() - marks;
        let is_lower = word[0] >= b'a' && marks == 0 && word.iter().all(|byte| *byte >= b'a');
        let (mut digits, mut capitals, mut is_name) = (0, 0, false);
        if !is_lower {
            let mut before = 0_u8;
            for byte in word {
                digits += usize::from(byte.is_ascii_digit());
                capitals += usize::from(byte.is_ascii_uppercase());
                is_name |= *byte == b'_' && before != 0
                    || byte.is_ascii_uppercase() && before.is_ascii_lowercase();
                before = *byte;
            }
        }
        let next = self.byte(self.at);
        let follows = self.byte(self.at + 1);
        if next == b':' && follows == b'/' && self.byte(self.at + 2) == b'/'
            || next == b'.' && self.bytes[start..self.at].eq_ignore_ascii_case(b"www")
        {
            self.skip(|byte| {
                !matches!(
                    byte,
                    b' ' | b'\n' | b'"' | b'\'' | b'<' | b'>' | b')' | b'|' | b'\\'
                )
            });
            return self.token(start, Class::Url as u8, Class::Url as u32);
        }
        if next == b'@' && follows.is_ascii_alphanumeric() {
            self.at += 1;
            self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
            if self.byte(self.at - 1) == b'.' {
                self.at -= 1;
            }
            return self.token(start, Class::Email as u8, Class::Email as u32);
        }
        if digits == length {
            let is_money = start > 0 && matches!(self.bytes[start - 1], b'$' | 0xAC | 0xA3 | 0xA5);
            if matches!(next, b'.' | b',' | b':' | b'-' | b'/') && follows.is_ascii_digit() {
                self.skip(|byte| {
                    byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'-' | b'/')
                });
            }
            let class = match is_money {
                true => Class::Money,
                false => Class::Number,
            };
            return self.token(start, class as u8, class as u32);
        }
        if matches!(next, b'.' | b'/')
            && (follows.is_ascii_lowercase() || follows == b'_')
            && length > 1
        {
            self.skip(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'_' | b'-')
            });
            if self.byte(self.at - 1) == b'.' {
                self.at -= 1;
            }
            let name = &self.bytes[start..self.at];
            let hash = match name.len() {
                0..24 => name
                    .iter()
                    .fold(lexicon::SEED, |hash, byte| lexicon::step(hash, *byte)),
                _ => Class::Path as u32,
            };
            return self.token(start, Class::Path as u8, hash);
        }
        self.state.singles += usize::from(length == 1);
        self.state.mixed += usize::from(digits > 0 && length > 2);
        let class = lexicon::class(hash);
        if class == 0 && (is_name || digits > 0) {
            return self.token(start, Class::Identifier as u8, Class::Identifier as u32);
        }
        if capitals == length && length > 2 {
            self.state.capitals += 1;
        }
        self.token(start, class, hash);
    }

    fn skip(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| goes_on(*byte)) {
            self.at += 1;
        }
    }

    /// A character of Chinese, Japanese or Korean together with the next one.
    fn pair(&mut self) {
        let start = self.at;
        let bytes = self.bytes;
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let is_letter = |index: usize| match at(index) {
            0xE3 => at(index + 1) != 0x80,
            0xE4..=0xED => true,
            _ => false,
        };
        if !is_letter(start) {
            self.at += 3;
            // The ideographic full stop.
            if at(start) == 0xE3 && at(start + 1) == 0x80 && at(start + 2) == 0x82 {
                self.state.end = self.at;
                self.finish();
            }
            return;
        }
        self.at += 3;
        if self.state.tokens > 0 {
            self.state.end = self.at;
        }
        if !is_letter(start + 3) {
            return;
        }
        let mut hash = lexicon::SEED;
        for byte in self.bytes.get(start..start + 6).unwrap_or_default() {
            hash = lexicon::step(hash, *byte);
        }
        let mut class = 0;
        if is_letter(start + 6) {
            let longer = self.bytes.get(start + 6..start + 9).unwrap_or_default();
            class = lexicon::class(
                longer
                    .iter()
                    .fold(hash, |hash, byte| lexicon::step(hash, *byte)),
            );
        }
        if class == 0 {
            class = lexicon::class(hash);
        }
        self.token(start, class, hash);
    }

    fn escape(&mut self) {
        match self.byte(self.at + 1) {
            b'n' | b'r' => self.newline(2),
            b't' | b' ' | b'"' | b'\'' | b'\\' | b'/' => self.at += 2,
            b'\n' => self.at += 2,
            _ => self.at += 1,
        }
    }

    /// Punctuation and the like.
    fn mark(&mut self, byte: u8) {
        let at = self.at;
        let next = self.byte(at + 1);
        self.at += 1;
        match byte {
            b'.' | b'!' | b'?' | b';' => {
                if byte == b'?' {
                    self.state.is_question = true;
                }
                if byte == b'!' {
                    self.state.exclamations += 1;
                    self.telling(Class::Exclamation as u8);
                }
                let ends = matches!(
                    next,
                    b' ' | b'\n' | b'\r' | b'"' | b'\'' | b'\\' | b')' | b'<' | b'|' | b'}' | 0
                ) || next >= 0xE3 && byte != b';'
                    || next.is_ascii_uppercase() && byte != b'.';
                if ends && self.state.tokens > 0 {
                    self.state.end = self.at;
                    self.finish();
                }
            }
            b':' => {
                self.telling(Class::Colon as u8);
                // What is announced is another passage than the announcement.
                if self.state.tokens > 3 && matches!(next, b' ' | b'\n' | b'\\') {
                    self.state.end = self.at;
                    self.finish();
                }
            }
            b'|' => {
                let starts_role = next == b'>';
                if !starts_role {
                    self.finish();
                }
            }
            b'\t' => self.finish(),
            b'"' | b'\'' | b'`' => self.quote(byte, at),
            b'<' => self.tag(at),
            b'[' => self.bracket(at),
            b'{' | b'}' if self.layout == Layout::Data => self.finish(),
            _ => {}
        }
    }
}

/// Letters of ASCII in lower case, digits and `_` as they are; 0 for everything else.
const LOWER: [u8; 256] = {
    let mut lower = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_' {
            lower[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
};
