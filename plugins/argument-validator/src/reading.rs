//! A value as a lenient program may read it, prepared once for all checks.

use crate::decoding;

/// The kinds of bytes that attacks need. Each check asks for those of its own.
pub(crate) mod clue {
    /// `'`, `"`, and their typographic forms.
    pub(crate) const QUOTE: u16 = 1;
    /// `<`
    pub(crate) const ANGLE: u16 = 1 << 1;
    /// `{`
    pub(crate) const BRACE: u16 = 1 << 2;
    /// `(` or `)`
    pub(crate) const PAREN: u16 = 1 << 3;
    /// `;`, `|`, `&`, a backtick, `$`, a line end.
    pub(crate) const OPERATOR: u16 = 1 << 4;
    /// `/`, `\`, `.` or `~`
    pub(crate) const PATH: u16 = 1 << 5;
    /// `%`, `\` or a character beyond ASCII: the value may have been written in another way.
    pub(crate) const CODED: u16 = 1 << 6;
    /// A control character.
    pub(crate) const CONTROL: u16 = 1 << 7;
    /// `:`
    pub(crate) const COLON: u16 = 1 << 8;
    /// `=`, `#`, `@`, `*`, `,` or `>`: what conditions and statements need.
    pub(crate) const CONDITION: u16 = 1 << 9;
    /// `-`, of which two begin a comment.
    pub(crate) const DASH: u16 = 1 << 10;
}

const CLUES: [u16; 256] = {
    let mut clues = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        clues[byte] = match byte as u8 {
            b'\'' | b'"' => clue::QUOTE,
            b'<' => clue::ANGLE,
            b'{' => clue::BRACE,
            b'(' | b')' => clue::PAREN,
            b'\n' | b'\r' => clue::OPERATOR | clue::CONTROL,
            b';' | b'|' | b'&' | b'`' | b'$' => clue::OPERATOR,
            b'/' | b'.' | b'~' => clue::PATH,
            b'\\' => clue::PATH | clue::CODED,
            b'%' => clue::CODED,
            b':' => clue::COLON,
            b'=' | b'#' | b'@' | b'*' | b',' | b'>' => clue::CONDITION,
            b'-' => clue::DASH,
            0x80.. => clue::CODED,
            b'\t' => 0,
            0..0x20 => clue::CONTROL,
            _ => 0,
        };
        byte += 1;
    }
    clues
};

/// The clues in the value as it is written.
pub(crate) fn clues(value: &str) -> u16 {
    value
        .bytes()
        .fold(0, |clues, byte| clues | CLUES[usize::from(byte)])
}

/// A value and what it may mean.
pub(crate) struct Reading<'v> {
    /// As it is written.
    pub(crate) value: &'v str,
    /// Decoded, in small letters, with ASCII quotes. A sentence is cut some way behind [`Self::horizon`].
    pub(crate) text: String,
    /// The clues of `text` and `value`.
    pub(crate) clues: u16,
    /// Whether decoding changed the value.
    pub(crate) is_coded: bool,
    /// How far an attack may begin in `text`.
    pub(crate) horizon: usize,
}

impl<'v> Reading<'v> {
    /// Reads the value. `clues` are those of the value as it is written.
    pub(crate) fn of(value: &'v str, clues: u16) -> Self {
        if clues & clue::CODED == 0 {
            let horizon = horizon(value);
            return Self {
                value,
                text: value[..end(value, horizon)].to_ascii_lowercase(),
                clues,
                is_coded: false,
                horizon,
            };
        }
        let mut text = decoding::text(value);
        text.make_ascii_lowercase();
        let is_coded = !text.eq_ignore_ascii_case(value);
        let clues = clues | self::clues(&text);
        let horizon = horizon(&text);
        text.truncate(end(&text, horizon));
        Self {
            value,
            text,
            clues,
            is_coded,
            horizon,
        }
    }

    pub(crate) fn has(&self, clues: u16) -> bool {
        self.clues & clues != 0
    }

    /// The part of the text in which an attack may begin.
    pub(crate) fn near(&self) -> &str {
        self.text.get(..self.horizon).unwrap_or(&self.text)
    }

    /// How many words of a language stand before that place. A payload that a sentence quotes has some.
    pub(crate) fn words_before(&self, at: usize) -> usize {
        natural_words(self.text.get(..at).unwrap_or_default())
    }
}

/// How much of a sentence is read behind the place where an attack may begin.
const BEHIND: usize = 256;
/// The most words that are counted: no check asks for more.
const WORDS: usize = 8;

/// The number of words of a language, at most [`WORDS`]: letters only, perhaps with a mark behind.
pub(crate) fn natural_words(text: &str) -> usize {
    text.split_ascii_whitespace()
        .filter(|word| is_natural(word))
        .take(WORDS)
        .count()
}

fn is_natural(word: &str) -> bool {
    let is_mark = |byte: &u8| b",.:!?\"'()`".contains(byte);
    let bytes = word.as_bytes();
    let start = bytes.iter().take_while(|byte| is_mark(byte)).count();
    let end = bytes.len() - bytes.iter().rev().take_while(|byte| is_mark(byte)).count();
    let Some(word) = word.get(start..end.max(start)) else {
        return false;
    };
    if word.is_ascii() {
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'-');
        return word.len() > 1 && word.bytes().all(is_letter);
    }
    let is_letter =
        |character: char| character.is_alphabetic() || matches!(character, '\'' | '’' | '-');
    word.chars().count() > 1 && word.chars().all(is_letter)
        || word.chars().any(is_of_a_script_without_spaces)
}

/// Where the text ends that is judged: some way behind the horizon, at a character.
fn end(text: &str, horizon: usize) -> usize {
    let mut end = text.len().min(horizon + BEHIND);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Where the last of the words that are counted ends. Behind it no attack is looked for: whatever stands there stands in
/// a sentence.
fn horizon(text: &str) -> usize {
    let base = text.as_ptr() as usize;
    text.split_ascii_whitespace()
        .filter(|word| is_natural(word))
        .nth(WORDS - 1)
        .map_or(text.len(), |word| {
            word.as_ptr() as usize - base + word.len()
        })
}

/// Japanese and Chinese: a run of characters may hold many words.
fn is_of_a_script_without_spaces(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

/// The words of a text: runs of letters, digits and `_`, each with its place.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !is_part(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && is_part(bytes[at]) {
            at += 1;
        }
        (start < at).then(|| (start, &text[start..at]))
    })
}

/// The first place of `wanted` in `text`. For the short texts here it is faster than a general search.
pub(crate) fn find(text: &str, wanted: &str) -> Option<usize> {
    let first = wanted.chars().next()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(first)?;
        if text.as_bytes()[at..].starts_with(wanted.as_bytes()) {
            return Some(at);
        }
        from = at + first.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_language_are_counted() {
        for (text, count) in [
            ("Please run this:", 3),
            ("1' or 1=1", 1),
            ("", 0),
            ("x; ../a", 0),
            ("実行する", 1),
        ] {
            assert_eq!(natural_words(text), count, "{text}");
        }
    }

    #[test]
    fn a_value_is_read_as_it_may_be_decoded() {
        let read = |value| Reading::of(value, clues(value)).text;
        assert_eq!(read("%3CScript%3e"), "<script>");
        assert_eq!(read("\\x3cscript\\u003e"), "<script>");
        assert_eq!(read("1’ OR ‘1’=’1"), "1' or '1'='1");
        assert_eq!(read("a%0d%0ab"), "a\r\nb");
        assert_eq!(read("100 % of it"), "100 % of it");
    }

    #[test]
    fn words_have_their_places() {
        let found: Vec<_> = words("a b_c; d").collect();
        assert_eq!(found, [(0, "a"), (2, "b_c"), (7, "d")]);
        assert_eq!(find("abcab", "ab"), Some(0));
        assert_eq!(find("abc", "bc"), Some(1));
        assert_eq!(find("a", "ab"), None);
    }
}
