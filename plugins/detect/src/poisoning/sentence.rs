//! Divides a text into sentences, and a sentence into words with their classes.

use super::lexicon::{self, Classes};

/// The longest sentence. What is longer is divided.
const LONGEST: usize = 1200;

/// A run of letters from this length on may be encoded text.
const BLOB: usize = 24;

/// A sentence and its words.
pub(super) struct Sentence<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    /// The classes of all words outside quotation marks.
    pub(super) classes: Classes,
    /// Those of all words.
    pub(super) all: Classes,
    /// The shapes of its tokens, as a set.
    shapes: u16,
    /// Whether a run of letters is so long that it may be encoded text.
    pub(super) has_blob: bool,
}

/// A word, a path, an address or an identifier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) classes: Classes,
    pub(super) shape: Shape,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Between quotation marks or backticks.
    pub(super) is_quoted: bool,
    /// Written in capitals.
    pub(super) is_loud: bool,
}

/// What a token is beside a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Word,
    /// `send_email`, `sendEmail`.
    Identifier,
    Email,
    Url,
    Path,
    /// A path at which secrets are usually kept.
    SecretPath,
    /// A number of an account, an address of a wallet.
    Literal,
    /// Runs together many letters.
    Blob,
}

impl<'t> Sentence<'t> {
    /// Reads the words of a sentence into `tokens`, which is emptied first.
    pub(super) fn read(text: &'t str, tokens: &'t mut Vec<Token>) -> Self {
        tokens.clear();
        let bytes = text.as_bytes();
        let mut quote = None;
        let mut at = 0;
        while at < bytes.len() {
            while at < bytes.len() && bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            let start = at;
            while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            if !plain_word(bytes, start, at, quote.is_some(), tokens) {
                chunk(text, start, at, &mut quote, tokens);
            }
        }
        let (mut classes, mut all, mut shapes) = (0, 0, 0);
        for token in tokens.iter() {
            all |= token.classes;
            shapes |= 1 << token.shape as u16;
            if !token.is_quoted {
                classes |= token.classes;
            }
        }
        Self {
            text,
            tokens,
            classes,
            all,
            shapes,
            has_blob: shapes & 1 << Shape::Blob as u16 != 0,
        }
    }

    /// Whether it has words of all these classes outside quotation marks.
    pub(super) fn has_all(&self, classes: Classes) -> bool {
        self.classes & classes == classes
    }

    /// Whether it has a word of one of these classes outside quotation marks.
    pub(super) fn has(&self, classes: Classes) -> bool {
        self.classes & classes != 0
    }

    /// Whether it has a word of one of these classes, quoted or not.
    pub(super) fn mentions(&self, classes: Classes) -> bool {
        self.all & classes != 0
    }

    /// Whether it has more than words and identifiers.
    pub(super) fn has_data(&self) -> bool {
        self.shapes & !(1 << Shape::Word as u16 | 1 << Shape::Identifier as u16) != 0
    }

    /// Whether it has a token of this shape.
    pub(super) fn has_shape(&self, shape: Shape) -> bool {
        self.shapes & 1 << shape as u16 != 0
    }

    /// Whether a word of the first class is followed by one of the second within so many words.
    pub(super) fn follows(&self, first: Classes, second: Classes, within: usize) -> bool {
        if self.all & first == 0 || self.all & second == 0 {
            return false;
        }
        self.tokens.iter().enumerate().any(|(index, token)| {
            token.classes & first != 0
                && self
                    .tokens
                    .iter()
                    .skip(index + 1)
                    .take(within)
                    .any(|later| later.classes & second != 0)
        })
    }
}

/// The end of the sentence at the beginning of the text, with what separates it from the next.
pub(super) fn end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(LONGEST);
    let mut at = 0;
    while at < limit {
        let is_end = match bytes[at] {
            b'.' | b'!' | b'?' => bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace),
            b'\n' => ends_at_line(bytes, at),
            // The ideographic full stop.
            0xE3 => bytes[at..].starts_with(&[0xE3, 0x80, 0x82]),
            _ => false,
        };
        if is_end && !is_abbreviation(bytes, at) {
            let mut end = at + 1;
            while end < bytes.len()
                && (bytes[end].is_ascii_whitespace() || bytes[end] & 0xC0 == 0x80)
            {
                end += 1;
            }
            return end;
        }
        at += 1;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// Whether a line feed ends a sentence: a blank line, an item of a list or a heading follows. Other line feeds wrap lines.
fn ends_at_line(bytes: &[u8], at: usize) -> bool {
    let mut next = at + 1;
    while matches!(bytes.get(next), Some(b' ' | b'\t' | b'\r')) {
        next += 1;
    }
    match bytes.get(next) {
        Some(b'\n' | b'-' | b'*' | b'#' | b'<' | b'[') => true,
        Some(digit) if digit.is_ascii_digit() => true,
        _ => at > 0 && bytes[at - 1] == b'>',
    }
}

/// Whether the full stop belongs to `e.g.` or the like.
fn is_abbreviation(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'.'
        && at >= 3
        && bytes[at - 2] == b'.'
        && bytes[at - 1].is_ascii_alphabetic()
        && bytes[at - 3].is_ascii_alphabetic()
}

/// Reads a run that is a word of small letters, with or without a capital first and a mark last. Most runs are, and
/// nothing else has to be looked at in them. False for any other.
fn plain_word(
    bytes: &[u8],
    start: usize,
    end: usize,
    is_quoted: bool,
    tokens: &mut Vec<Token>,
) -> bool {
    let Some(run) = bytes.get(start..end) else {
        return false;
    };
    let word = match run.split_last() {
        Some((b',' | b'.' | b';' | b':' | b'!' | b'?', word)) => word,
        _ => run,
    };
    let Some((first, rest)) = word.split_first() else {
        return false;
    };
    if word.len() >= BLOB
        || !first.is_ascii_alphabetic()
        || !rest.iter().all(u8::is_ascii_lowercase)
    {
        return false;
    }
    let hash = rest.iter().fold(
        lexicon::step(lexicon::START, first.to_ascii_lowercase()),
        |hash, letter| lexicon::step(hash, *letter),
    );
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    tokens.push(Token {
        classes: lexicon::classes(hash),
        shape: Shape::Word,
        start: offset(start),
        end: offset(start + word.len()),
        is_quoted,
        is_loud: false,
    });
    true
}

/// Reads one run of characters without blanks.
fn chunk(text: &str, start: usize, end: usize, quote: &mut Option<char>, tokens: &mut Vec<Token>) {
    let whole = &text[start..end];
    let opened = quote.is_some();
    let core = whole.trim_matches(|c: char| {
        matches!(
            c,
            '"' | '`'
                | '\''
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '*'
                | '<'
                | '>'
                | '\u{201C}'
                | '\u{201D}'
                | '\u{2018}'
                | '\u{2019}'
                | '\u{300C}'
                | '\u{300D}'
        )
    });
    let opens = toggles(whole, quote);
    let is_quoted = opened || opens;
    let offset = start + (core.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    let shape = shape(core);
    let token = |classes, shape, from: usize, to: usize, is_loud| Token {
        classes,
        shape,
        start: u32::try_from(from).unwrap_or(u32::MAX),
        end: u32::try_from(to).unwrap_or(u32::MAX),
        is_quoted,
        is_loud,
    };
    if !matches!(shape, Shape::Word | Shape::Identifier) {
        tokens.push(token(0, shape, offset, offset + core.len(), false));
        return;
    }
    if shape == Shape::Identifier {
        // The words of an identifier say what a thing is called, not what is to be done.
        let is_secret = core.bytes().all(|c| !c.is_ascii_lowercase())
            && [
                "SECRET",
                "TOKEN",
                "PASSWORD",
                "API_KEY",
                "PRIVATE_KEY",
                "ACCESS_KEY",
            ]
            .iter()
            .any(|part| core.contains(part));
        let classes = if is_secret { lexicon::SECRET } else { 0 };
        tokens.push(token(classes, shape, offset, offset + core.len(), false));
        return;
    }
    // Words are divided by whatever is no letter.
    let bytes = core.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        while at < bytes.len() && !bytes[at].is_ascii_alphabetic() {
            at += 1;
        }
        let from = at;
        let mut hash = lexicon::START;
        let mut is_loud = true;
        while at < bytes.len()
            && (bytes[at].is_ascii_alphanumeric()
                || matches!(bytes[at], b'\'')
                    && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
        {
            is_loud &= !bytes[at].is_ascii_lowercase();
            hash = lexicon::step(hash, bytes[at].to_ascii_lowercase());
            at += 1;
        }
        if at > from {
            let is_loud = is_loud && at - from > 2;
            let classes = lexicon::classes(hash);
            tokens.push(token(
                classes,
                Shape::Word,
                offset + from,
                offset + at,
                is_loud,
            ));
        }
    }
}

/// Whether the run opens a quotation, with the state after it.
fn toggles(whole: &str, quote: &mut Option<char>) -> bool {
    let mut opened = false;
    let mut before = ' ';
    let mut characters = whole.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        match (c, *quote) {
            ('"' | '`' | '\u{201D}' | '\u{300D}', Some(open)) if open == c => *quote = None,
            ('\'', Some('\'')) if !next.is_alphanumeric() => *quote = None,
            ('"' | '`', None) => {
                *quote = Some(c);
                opened = true;
            }
            ('\u{201C}', None) => {
                *quote = Some('\u{201D}');
                opened = true;
            }
            ('\'', None) if !before.is_alphanumeric() && next.is_alphanumeric() => {
                *quote = Some('\'');
                opened = true;
            }
            _ => {}
        }
        before = c;
    }
    opened
}

/// The longest path. Longer runs are data.
const LONGEST_PATH: usize = 256;

/// Parts of paths at which secrets are kept.
const SECRET_PATHS: [&str; 26] = [
    ".ssh",
    "id_rsa",
    "id_ed25519",
    ".env",
    ".aws",
    "credentials",
    "/etc/passwd",
    "/etc/shadow",
    "mcp.json",
    ".kube",
    ".npmrc",
    ".netrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".gnupg",
    ".pem",
    "wallet",
    "keychain",
    "cookies",
    "_history",
    ".cursor",
    ".docker/config",
    "secrets",
    "login data",
    "claude_desktop_config",
];

fn shape(core: &str) -> Shape {
    let bytes = core.as_bytes();
    let has = |wanted: u8| bytes.contains(&wanted);
    // Most words have none of these.
    let is_plain = bytes.iter().all(u8::is_ascii_alphabetic);
    if is_plain && bytes.len() < BLOB {
        return match is_camel(bytes) {
            true => Shape::Identifier,
            false => Shape::Word,
        };
    }
    if core.contains("://") || core.starts_with("www.") {
        return Shape::Url;
    }
    if let Some((name, host)) = core.split_once('@')
        && !name.is_empty()
        && host.trim_end_matches('.').contains('.')
    {
        return match is_reserved(host) {
            true => Shape::Word,
            false => Shape::Email,
        };
    }
    let is_rooted = has(b'/') || has(b'\\') || has(b'.') || core.starts_with(['~', '.']);
    let is_path = (is_rooted || core.starts_with("id_")) && bytes.len() <= LONGEST_PATH;
    if is_path
        && SECRET_PATHS
            .iter()
            .any(|part| contains_small(bytes, part.as_bytes()))
    {
        return Shape::SecretPath;
    }
    if core.starts_with(['~', '/']) && bytes.len() > 3 || core.starts_with("C:\\") {
        return Shape::Path;
    }
    let is_wallet = core.starts_with("0x") || core.starts_with("bc1");
    if bytes.len() >= BLOB && !is_wallet && is_blob(bytes) {
        return Shape::Blob;
    }
    if is_literal(bytes) {
        return Shape::Literal;
    }
    let trimmed = core.trim_end_matches('.');
    if trimmed
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && has(b'_')
    {
        return Shape::Identifier;
    }
    Shape::Word
}

/// `sendEmail`, not `GitHub` or `JavaScript`.
fn is_camel(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_lowercase) && bytes.iter().any(u8::is_ascii_uppercase)
}

/// Whether a host stands for any: those that are reserved for examples, and those that authors invent.
fn is_reserved(host: &str) -> bool {
    [
        "example",
        "domain.",
        "company.",
        "your",
        "acme",
        ".test",
        ".invalid",
        "localhost",
        "test.",
        "email.com",
        "host.",
    ]
    .iter()
    .any(|part| contains_small(host.as_bytes(), part.as_bytes()))
}

/// An account, a telephone number, an address of a wallet: mostly digits, or a known beginning.
fn is_literal(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|c| c.is_ascii_digit()).count();
    let is_wallet = (bytes.starts_with(b"0x") || bytes.starts_with(b"bc1")) && bytes.len() > 25;
    let is_account = digits >= 6
        && digits * 2 >= bytes.len()
        && !bytes.contains(&b'/')
        && !bytes.contains(&b'.');
    is_wallet || is_account
}

/// Letters that may be base64 or hexadecimal: no word has digits, capitals and small letters in such a length.
fn is_blob(bytes: &[u8]) -> bool {
    let is_letter = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-');
    bytes.split(|c| !is_letter(c)).any(|run| {
        run.len() >= BLOB
            && run.iter().any(u8::is_ascii_digit) as u8
                + run.iter().any(u8::is_ascii_uppercase) as u8
                + run.iter().any(u8::is_ascii_lowercase) as u8
                >= 2
    })
}

/// Whether the bytes contain the needle, whose letters are small, in capitals or small letters.
fn contains_small(bytes: &[u8], needle: &[u8]) -> bool {
    bytes
        .windows(needle.len())
        .any(|some| some.eq_ignore_ascii_case(needle))
}
