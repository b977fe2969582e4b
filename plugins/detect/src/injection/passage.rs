//! Reads a text as passages (sentences, values, cells, lines) and names the features of each.

use super::layout::{Layout, Place};
use super::lexicon::{self, Class};

/// The most tokens of a passage; a longer one is read as several.
const LONGEST: usize = 36;

/// Features whose weights are found by index rather than by hash.
const DIRECT: u32 = 8192;

/// All features.
pub const FEATURES: usize = 32768;

/// Features of one group are added up and weighed by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Group {
    /// Words and pairs of words.
    Words,
    /// Sequences of classes of words.
    Classes,
    /// Classes that stand together in a passage.
    Pairs,
    /// Where the passage stands, and its form.
    Form,
}

/// Takes the features of the passages of a text, one passage after the other.
pub trait Sink {
    /// A feature of the passage that is being read.
    fn add(&mut self, group: Group, feature: u32);
    /// The passage ends.
    fn end(&mut self, passage: &Passage);
}

/// A stretch of text that is judged as one.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Which classes of words it has.
    pub(super) mask: u64,
    /// Whether it begins as a command does.
    pub(super) is_command: bool,
    pub(super) is_out_of_place: bool,
    /// Whether hardly any of its words are known.
    pub(super) is_unreadable: bool,
    /// Whether most of its words are of one letter.
    pub(super) is_spaced: bool,
    /// Whether many of its words have digits among their letters.
    pub(super) is_mixed: bool,
    tokens: usize,
}

const fn bit(class: Class) -> u64 {
    1 << class as u8
}

/// Verbs of what a reader is told to do.
pub(super) const ACTIONS: u64 = bit(Class::Send)
    | bit(Class::Read)
    | bit(Class::Reveal)
    | bit(Class::Destroy)
    | bit(Class::Grant)
    | bit(Class::Trade)
    | bit(Class::Execute)
    | bit(Class::Change)
    | bit(Class::Say)
    | bit(Class::Follow)
    | bit(Class::Override)
    | bit(Class::Pretend)
    | bit(Class::Compose)
    | bit(Class::Decode);

/// What a passage before this one may say about it.
const BEFORE: u64 = bit(Class::Machine)
    | bit(Class::Override)
    | bit(Class::Urgent)
    | bit(Class::Rules)
    | bit(Class::Authority)
    | bit(Class::You)
    | bit(Class::RoleMark)
    | bit(Class::Tag)
    | bit(Class::Person)
    | bit(Class::Task)
    | bit(Class::Following);

pub(super) fn has(mask: u64, class: Class) -> bool {
    mask & bit(class) != 0
}

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

struct State {
    start: usize,
    end: usize,
    tokens: usize,
    mask: u64,
    classes: [u8; LONGEST],
    telling: usize,
    last_word: u32,
    function_words: usize,
    /// Words of the list.
    known: usize,
    capitals: usize,
    exclamations: usize,
    /// Words of one letter.
    singles: usize,
    /// Words with digits among their letters.
    mixed: usize,
    first: u8,
    is_question: bool,
    place: Place,
}

impl State {
    fn new() -> Self {
        Self {
            start: 0,
            end: 0,
            tokens: 0,
            mask: 0,
            classes: [0; LONGEST],
            telling: 0,
            last_word: 1,
            function_words: 0,
            known: 0,
            capitals: 0,
            exclamations: 0,
            singles: 0,
            mixed: 0,
            first: 0,
            is_question: false,
            place: Place::Line,
        }
    }
}

struct Reader<'t, S> {
    bytes: &'t [u8],
    at: usize,
    layout: Layout,
    place: Place,
    /// Inside a fenced block of Markdown.
    is_fenced: bool,
    /// Where the line begins.
    line: usize,
    before: [u64; 2],
    state: State,
    sink: &'t mut S,
}

impl<S: Sink> Reader<'_, S> {
    fn byte(&self, at: usize) -> u8 {
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

    /// A quotation mark is the border of a value beside the punctuation of JSON, YAML or code.
    fn quote(&mut self, byte: u8, at: usize) {
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
    fn tag(&mut self, at: usize) {
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
    fn bracket(&mut self, at: usize) {
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

    fn newline(&mut self, length: usize) {
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

    fn begin_line(&mut self) {
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

    /// Takes up a token that begins at `start` and ends here.
    fn token(&mut self, start: usize, class: u8, hash: u32) {
        if self.state.tokens >= LONGEST {
            self.finish();
        }
        let state = &mut self.state;
        if state.tokens == 0 {
            state.start = start;
            state.first = class;
            state.place = self.place;
        }
        state.tokens += 1;
        state.end = self.at;
        let word = hash.wrapping_mul(0x9E37_79B1) ^ hash >> 15;
        self.sink.add(Group::Words, hashed(word));
        self.sink.add(
            Group::Words,
            hashed(state.last_word.rotate_left(5).wrapping_mul(0x85EB_CA6B) ^ word),
        );
        state.last_word = word;
        state.known += usize::from(class > 0 && class < Class::Number as u8);
        match class {
            0 => {}
            1 => state.function_words += 1,
            _ => self.telling(class),
        }
    }

    fn telling(&mut self, class: u8) {
        let state = &mut self.state;
        if state.telling < LONGEST {
            state.classes[state.telling] = class;
            state.telling += 1;
        }
        state.mask |= 1 << class;
    }

    /// Ends the passage.
    fn finish(&mut self) {
        if self.state.tokens == 0 {
            // A mark of a role waits for the words that follow it.
            return;
        }
        let state = std::mem::replace(&mut self.state, State::new());
        if state.telling == 0 && state.tokens < 3 {
            return self.abandon(&state);
        }
        self.classes(&state);
        let is_command = self.form(&state);
        let is_out_of_place = matches!(
            self.layout,
            Layout::Table | Layout::Grid | Layout::Data | Layout::Code
        ) && state.place == Place::Line
            && state.function_words > 1;
        let before = self.before;
        self.before = [state.mask, before[0]];
        self.sink.end(&Passage {
            start: state.start,
            end: state.end,
            mask: state.mask | (before[0] | before[1]) & BEFORE & bit(Class::Machine),
            is_command,
            is_out_of_place,
            is_unreadable: state.tokens > 4 && state.known * 6 < state.tokens,
            is_spaced: state.singles > 5 && state.singles * 2 > state.tokens,
            is_mixed: state.mixed > 2 && state.mixed * 3 > state.tokens,
            tokens: state.tokens,
        });
    }

    fn abandon(&mut self, state: &State) {
        self.sink.end(&Passage {
            start: state.start,
            end: state.end,
            mask: 0,
            is_command: false,
            is_out_of_place: false,
            is_unreadable: false,
            is_spaced: false,
            is_mixed: false,
            tokens: 0,
        });
    }

    fn classes(&mut self, state: &State) {
        let mut last = 0;
        let mut before_last = 0;
        for class in &state.classes[..state.telling] {
            let class = u32::from(*class);
            self.sink.add(Group::Classes, last << 6 | class);
            self.sink.add(
                Group::Classes,
                salted(3, before_last << 12 | last << 6 | class),
            );
            before_last = last;
            last = class;
        }
        let mut rest = state.mask;
        while rest != 0 {
            let one = rest.trailing_zeros();
            rest &= rest - 1;
            let mut others = rest;
            while others != 0 {
                let other = others.trailing_zeros();
                others &= others - 1;
                self.sink.add(Group::Pairs, 4096 | one << 6 | other);
            }
            let mut before = (self.before[0] | self.before[1]) & BEFORE;
            while before != 0 {
                let other = before.trailing_zeros();
                before &= before - 1;
                self.sink.add(Group::Pairs, salted(8, one << 6 | other));
            }
        }
    }

    /// Where the passage stands, and how it begins. Returns whether it begins as a command does.
    fn form(&mut self, state: &State) -> bool {
        let first = 1_u64 << state.first;
        let second = state.classes.get(1).map_or(0, |class| 1_u64 << class);
        let begins_action = first & ACTIONS != 0;
        let is_polite = has(first, Class::Please);
        let is_command =
            begins_action || is_polite || has(first, Class::Sequence) && second & ACTIONS != 0;
        let place = (self.layout as u32) << 3 | state.place as u32;
        let mut flags = [false; 15];
        let mask = state.mask;
        flags[0] = begins_action;
        flags[1] = is_polite && mask & ACTIONS != 0;
        flags[2] = state.is_question;
        flags[3] = has(mask, Class::You);
        flags[4] = has(mask, Class::Machine);
        flags[5] = has(mask, Class::Override);
        flags[6] = has(mask, Class::Send) && (has(mask, Class::Email) || has(mask, Class::Url));
        flags[7] = has(mask, Class::Secret);
        flags[8] = has(mask, Class::Me) && mask & ACTIONS != 0;
        flags[9] = has(mask, Class::Identifier) && mask & ACTIONS != 0;
        flags[10] = state.function_words * 5 > state.tokens;
        flags[11] = has(mask, Class::RoleMark) || has(mask, Class::Tag);
        flags[12] = has(mask, Class::Response) && mask & ACTIONS != 0;
        flags[13] = is_command && state.tokens > 4;
        flags[14] = self.layout == Layout::Grid && state.place == Place::Line && state.tokens > 3;
        for (index, flag) in (0..).zip(flags) {
            if flag {
                self.sink.add(Group::Form, salted(6, place << 4 | index));
                self.sink
                    .add(Group::Form, salted(9, (self.layout as u32) << 4 | index));
                self.sink.add(Group::Form, salted(10, index));
            }
        }
        self.sink
            .add(Group::Form, salted(4, u32::from(state.first)));
        self.sink.add(
            Group::Form,
            salted(5, u32::from(state.first) << 6 | u32::from(state.classes[1])),
        );
        let length = usize::BITS - state.tokens.leading_zeros();
        self.sink
            .add(Group::Form, salted(7, length << 3 | state.place as u32));
        let shouting = (state.capitals.min(4) as u32) << 2 | state.exclamations.min(3) as u32;
        if shouting > 0 {
            self.sink.add(Group::Form, salted(11, shouting));
        }
        is_command
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

/// The feature with this hash.
fn hashed(hash: u32) -> u32 {
    let space = FEATURES as u64 - u64::from(DIRECT);
    DIRECT + ((u64::from(hash.wrapping_mul(0xC2B2_AE35)) * space) >> 32) as u32
}

fn salted(salt: u32, value: u32) -> u32 {
    let mixed = (value.wrapping_add(salt << 24)).wrapping_mul(0x9E37_79B1);
    hashed(mixed ^ mixed >> 16)
}

impl Passage {
    /// How many words and other tokens it has; 0 where it is too short to be judged.
    pub fn tokens(&self) -> usize {
        self.tokens
    }
}
