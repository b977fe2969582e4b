//! Where one passage ends and another begins: quotation marks, tags, marks of roles, lines.

use super::layout::{Layout, Place};
use super::lexicon::{self, Class};
use super::passage::{Sink, has};
use super::reader::Reader;

impl<S: Sink> Reader<'_, S> {
    /// A quotation mark is the border of a value beside the punctuation of JSON, YAML or code.
    pub(super) fn quote(&mut self, byte: u8, at: usize) {
        let before = at.checked_sub(1).map_or(0, |before| self.bytes[before]);
        let before_space = match before {
            b' ' => at.checked_sub(2).map_or(0, |before| self.bytes[before]),
            _ => before,
        };
        let next = self.byte(at + 1);
        if byte != b'`' {
            if matches!(before_space, b':' | b',' | b'{' | b'[' | b'(' | b'=')
                && self.layout != Layout::Prose
            {
                self.finish();
                self.place = Place::Value;
            } else if matches!(next, b',' | b':' | b'}' | b']') && self.layout == Layout::Data {
                self.finish();
            }
        }
        if self.state.mask >> Class::Quoted as u8 & 1 == 0 && self.state.tokens > 0 {
            self.telling(Class::Quoted as u8);
        }
    }

    /// `<|im_start|>`, `<<SYS>>`, `<important>`, `<!-- -->`.
    pub(super) fn tag(&mut self, at: usize) {
        let next = self.byte(at + 1);
        if next == b'|' || next == b'<' {
            self.finish();
            self.at += 1;
            return self.telling(Class::RoleMark as u8);
        }
        if next == b'!' && self.byte(at + 2) == b'-' {
            self.finish();
            self.place = Place::Comment;
            self.at += 3;
            return;
        }
        let closes = usize::from(next == b'/');
        let name = self.bytes.get(at + 1 + closes..).unwrap_or_default();
        let length = name
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
            .count();
        if length == 0 || name.get(length) != Some(&b'>') {
            return;
        }
        // A tag of one word that HTML does not have. Its word says more than its form.
        let mut hash = lexicon::SEED;
        for byte in &name[..length] {
            hash = lexicon::step(hash, byte.to_ascii_lowercase());
        }
        self.finish();
        self.at = at + 2 + closes + length;
        let class = lexicon::class(hash);
        if class > Class::Function as u8 && !name[..length].eq_ignore_ascii_case(b"code") {
            self.telling(Class::Tag as u8);
            self.token(at, class, hash);
        }
    }

    /// `[INST]`, `[SYSTEM]`, `[system](#instructions)`.
    pub(super) fn bracket(&mut self, at: usize) {
        let closes = usize::from(self.byte(at + 1) == b'/');
        let name = self.bytes.get(at + 1 + closes..).unwrap_or_default();
        let length = name
            .iter()
            .take(24)
            .take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b' '))
            .count();
        if length > 2 && name.get(length) == Some(&b']') {
            let mut hash = lexicon::SEED;
            for byte in &name[..length] {
                hash = lexicon::step(hash, byte.to_ascii_lowercase());
            }
            let class = lexicon::class(hash);
            if name.starts_with(b"INST")
                || has(1 << class, Class::Authority)
                || has(1 << class, Class::Machine)
            {
                self.telling(Class::RoleMark as u8);
            }
        }
    }

    pub(super) fn newline(&mut self, length: usize) {
        let last = self.bytes[..self.at]
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\r'))
            .copied()
            .unwrap_or(b'\n');
        let width = self.at - self.line;
        self.at += length;
        let mut next = self.at;
        while matches!(self.byte(next), b' ' | b'\r') {
            next += 1;
        }
        let follows = self.byte(next);
        // A paragraph that is wrapped goes on in the next line.
        let goes_on = !matches!(
            last,
            b'\n' | b'.' | b'!' | b'?' | b':' | b';' | b'|' | b'}' | b'{'
        ) && length == 1
            && matches!(self.place, Place::Line | Place::Item | Place::Value)
            && (follows.is_ascii_lowercase() && width > 20
                || follows.is_ascii_alphabetic() && width > 66)
            && self.layout != Layout::Code;
        if !goes_on {
            self.state.end = self.at - length;
            self.finish();
        }
        self.begin_line();
    }

    pub(super) fn begin_line(&mut self) {
        self.line = self.at;
        let mut at = self.at;
        while matches!(self.byte(at), b' ' | b'\t') {
            at += 1;
        }
        let rest = &self.bytes[at.min(self.bytes.len())..];
        if rest.starts_with(b"```") {
            self.is_fenced = !self.is_fenced;
        }
        self.place = match rest.first() {
            _ if self.is_fenced => Place::Fenced,
            Some(b'|') => Place::Cell,
            Some(b'#' | b'/' | b'*')
                if rest.get(1) == rest.first() || rest.get(1) == Some(&b' ') =>
            {
                Place::Comment
            }
            Some(b'#') => Place::Comment,
            Some(b'-' | b'*' | b'+') if rest.get(1) == Some(&b' ') => Place::Item,
            Some(byte) if byte.is_ascii_alphabetic() => self.place_of_words(rest),
            _ => Place::Line,
        };
    }

    /// A line that begins with a letter: a header, `role:`, or prose.
    fn place_of_words(&mut self, rest: &[u8]) -> Place {
        let name = rest
            .iter()
            .take(24)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
            .count();
        if rest.get(name) != Some(&b':') {
            return Place::Line;
        }
        let is_role = [
            &b"system"[..],
            b"assistant",
            b"human",
            b"user",
            b"developer",
        ]
        .iter()
        .any(|role| rest[..name].eq_ignore_ascii_case(role));
        if is_role {
            self.finish();
            self.telling(Class::RoleMark as u8);
        }
        Place::Header
    }
}
