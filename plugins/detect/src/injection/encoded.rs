//! Text that is written in another way: base64, hexadecimal, escapes of URLs, JSON and HTML, rot13, backwards, letters
//! with spaces between, digits for letters. One level is undone, and no more than [`MOST`] bytes of it.

/// How many bytes are undone in one text.
const MOST: usize = 8 * 1024;

/// The shortest stretch of base64 or hexadecimal digits that is undone.
const SHORTEST: usize = 20;

/// What stretches of the text say, each as (start, end, text). The text may have letters with spaces between, or digits
/// for letters.
pub(super) fn stretches(
    text: &str,
    is_spaced: bool,
    is_mixed: bool,
    found: &mut dyn FnMut(usize, usize, &str),
) {
    let bytes = text.as_bytes();
    digits_of_encodings(bytes, found);
    let head = &text[..text.floor_char_boundary(MOST)];
    let (escapes, binary) = counts(head.as_bytes());
    if escapes > 5 {
        let plain = unescaped(head);
        if plain != head {
            found(0, head.len(), &plain);
        }
    }
    if binary > 40
        && binary * 3 > head.len()
        && let Some(plain) = self::binary(head.as_bytes()).and_then(readable)
    {
        found(0, head.len(), &plain);
    }
    if is_spaced {
        found(0, head.len(), &joined(head));
    }
    if is_mixed {
        found(0, head.len(), &leet(head));
    }
}

/// Stretches of base64, base32 and hexadecimal digits.
fn digits_of_encodings(bytes: &[u8], found: &mut dyn FnMut(usize, usize, &str)) {
    let mut left = MOST;
    // One byte of each stretch that is long enough is looked at.
    let mut at = SHORTEST - 1;
    while left > 0
        && let Some(byte) = bytes.get(at)
    {
        if !DIGIT[usize::from(*byte)] {
            at += SHORTEST;
            continue;
        }
        let is_digit = |byte: &&u8| DIGIT[usize::from(**byte)];
        let floor = (at + 1).saturating_sub(SHORTEST);
        let before = bytes[floor..at].iter().rev().take_while(is_digit).count();
        let start = at - before;
        let after = bytes[at..].iter().take(left).take_while(is_digit).count();
        let end = at + after;
        if end - start >= SHORTEST {
            let word = &bytes[start..end];
            if let Some(plain) = hexadecimal(word)
                .or_else(|| base64(word))
                .or_else(|| base32(word))
                && let Some(plain) = readable(plain)
            {
                found(start, end, &plain);
            }
            left = left.saturating_sub(end - start);
        }
        at = end + SHORTEST;
    }
}

/// The digits of base64 in its two alphabets, with those of the other encodings among them.
const DIGIT: [bool; 256] = {
    let mut digit = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        digit[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'+' | b'/' | b'-' | b'_' | b'=');
        byte += 1;
    }
    digit
};

/// How many beginnings of escapes, and how many binary digits.
fn counts(bytes: &[u8]) -> (usize, usize) {
    let (mut escapes, mut binary) = (0, 0);
    for byte in bytes {
        escapes += usize::from(matches!(byte, b'%' | b'&' | b'\\'));
        binary += usize::from(byte | 1 == b'1');
    }
    (escapes, binary)
}

/// The passage by rot13 and backwards, for one that has no known words.
pub(super) fn turned(passage: &str) -> [String; 2] {
    let rotated = passage
        .chars()
        .map(|character| match character {
            'a'..='m' | 'A'..='M' => char::from_u32(u32::from(character) + 13).unwrap_or(character),
            'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(character) - 13).unwrap_or(character),
            _ => character,
        })
        .collect();
    [rotated, passage.chars().rev().collect()]
}

/// The bytes as text, where they are one with spaces between words.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let spaces = text.bytes().filter(|byte| *byte == b' ').count();
    let is_plain = text
        .chars()
        .all(|character| !character.is_control() || matches!(character, '\n' | '\r' | '\t'));
    (is_plain && text.len() > 9 && (spaces > 1 || !text.is_ascii())).then_some(text)
}

fn hexadecimal(word: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    word.len().is_multiple_of(2).then_some(())?;
    word.chunks(2)
        .map(|pair| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8))
        .collect()
}

fn base64(word: &[u8]) -> Option<Vec<u8>> {
    by_alphabet(word, 6, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    })
}

fn base32(word: &[u8]) -> Option<Vec<u8>> {
    by_alphabet(word, 5, |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    })
}

fn by_alphabet(word: &[u8], bits: u32, digit: impl Fn(u8) -> Option<u8>) -> Option<Vec<u8>> {
    let end = word.iter().rposition(|byte| *byte != b'=')? + 1;
    let mut out = Vec::with_capacity(end);
    let (mut held, mut count) = (0_u32, 0);
    for byte in &word[..end] {
        held = held << bits | u32::from(digit(*byte)?);
        count += bits;
        if count >= 8 {
            count -= 8;
            let byte = (held >> count) as u8;
            // Random bytes are told after a few of them.
            if byte < b'\t' {
                return None;
            }
            out.push(byte);
        }
    }
    Some(out)
}

/// Groups of eight binary digits.
fn binary(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for group in bytes.split(|byte| *byte == b' ' || *byte == b'\n') {
        if group.len() == 8 && group.iter().all(|byte| matches!(byte, b'0' | b'1')) {
            out.push(
                group
                    .iter()
                    .fold(0, |value, byte| value << 1 | (byte - b'0')),
            );
        }
    }
    (out.len() > 4).then_some(out)
}

/// `%20`, `\u0020`, `\x20`, `&#32;`, `&#x20;` and the usual names.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (character, length) = escape(rest).unwrap_or((rest.chars().next().unwrap_or(' '), 1));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn escape(rest: &str) -> Option<(char, usize)> {
    let number = |digits: Option<&str>, radix| {
        u32::from_str_radix(digits?, radix)
            .ok()
            .and_then(char::from_u32)
    };
    let bytes = rest.as_bytes();
    match (bytes[0], bytes.get(1)?) {
        (b'%', _) => Some((number(rest.get(1..3), 16).filter(char::is_ascii)?, 3)),
        (b'\\', b'u') => Some((number(rest.get(2..6), 16)?, 6)),
        (b'\\', b'x') => Some((number(rest.get(2..4), 16)?, 4)),
        (b'&', b'#') => {
            let end = bytes.iter().take(10).position(|byte| *byte == b';')?;
            let character = match bytes.get(2)? {
                b'x' | b'X' => number(rest.get(3..end), 16)?,
                _ => number(rest.get(2..end), 10)?,
            };
            Some((character, end + 1))
        }
        (b'&', _) => [
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&amp;", '&'),
            ("&quot;", '"'),
            ("&nbsp;", ' '),
        ]
        .iter()
        .find(|(name, _)| rest.starts_with(name))
        .map(|(name, character)| (*character, name.len())),
        _ => None,
    }
}

/// Runs of single letters as one word each; two spaces or more part words.
fn joined(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_single = |at: usize| {
        characters.get(at).is_some_and(|one| one.is_alphanumeric())
            && !at
                .checked_sub(1)
                .and_then(|at| characters.get(at))
                .is_some_and(|one| one.is_alphanumeric())
            && !characters
                .get(at + 1)
                .is_some_and(|one| one.is_alphanumeric())
    };
    let mut out = String::with_capacity(text.len());
    for (at, character) in characters.iter().enumerate() {
        let parts_letters = matches!(character, ' ' | '.' | '-' | '_' | '*')
            && at.checked_sub(1).is_some_and(is_single)
            && is_single(at + 1);
        if !parts_letters {
            out.push(*character);
        }
    }
    out
}

/// Digits as the letters that they look like.
fn leet(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '0' => 'o',
            '1' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            '8' => 'b',
            '9' => 'g',
            _ => character,
        })
        .collect()
}
