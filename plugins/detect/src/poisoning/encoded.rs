//! Text that hides in an encoding: base64 and hexadecimal, one level deep.

use super::{Sign, Signs, signs_of};

/// The shortest run that is decoded, in letters.
const SHORTEST: usize = 24;
/// The longest run that is decoded.
const LONGEST: usize = 16 << 10;

/// Adds the signs of what the runs of letters in the sentence decode to.
pub(super) fn apply(sentence: &str, depth: u8, signs: &mut Signs) {
    if depth > 0 {
        return;
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for run in sentence.split(|c: char| !is_letter(c)) {
        if !(SHORTEST..=LONGEST).contains(&run.len()) {
            continue;
        }
        let Some(text) = hexadecimal(run).or_else(|| base64(run)) else {
            continue;
        };
        let inner = signs_of(&text, depth + 1);
        signs.join(&inner);
        // An opaque value decodes to bytes. Words with blanks between them were hidden on purpose.
        let words = text
            .split(' ')
            .filter(|word| word.len() > 1 && word.bytes().all(|c| c.is_ascii_alphabetic()));
        if words.count() >= 3 {
            signs.add(Sign::Encoded, 1.0);
        }
    }
}

/// The text, if the bytes are one.
fn printable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let is_text = text
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'));
    (is_text && text.contains(' ')).then_some(text)
}

fn hexadecimal(run: &str) -> Option<String> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    if !run.len().is_multiple_of(2) {
        return None;
    }
    let bytes = run
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect::<Option<Vec<u8>>>()?;
    printable(bytes)
}

/// Both alphabets, without padding.
fn base64(run: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    let (mut bits, mut have) = (0u32, 0);
    for c in run.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.extend(u8::try_from(bits >> have & 0xFF));
        }
    }
    printable(bytes)
}
