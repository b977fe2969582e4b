//! A JSON text with marks in place of values: in strings and names of members however they are escaped, in numbers, and in
//! strings beside each other.

use std::borrow::Cow;
use std::ops::Range;

use crate::redactor::{MARK, replaced};

/// The text with its values replaced; `None` where there are none. The text is JSON already.
pub(crate) fn redacted(
    text: &str,
    find: impl Fn(&[u8]) -> Vec<Range<usize>>,
    find_spread: impl Fn(&[u8]) -> Vec<Range<usize>>,
) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut names) = (0, 0);
    let mut spread = find_spread(text.as_bytes()).into_iter().peekable();
    for token in tokens(text) {
        let raw = &text[token.clone()];
        while spread.next_if(|range| range.end <= token.start).is_some() {}
        let touched = spread.peek().is_some_and(|range| range.start < token.end);
        let is_string = raw.starts_with('"');
        let decoded = match is_string && raw.contains('\\') {
            true => serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
            false => Cow::Borrowed(raw.trim_matches('"')),
        };
        let found = find(decoded.as_bytes());
        if found.is_empty() && !touched {
            continue;
        }
        let is_name = is_string && text[token.end..].trim_start().starts_with(':');
        let new = match replaced(&decoded, &found) {
            _ if is_name => {
                // No two members of an object have the same name.
                names += 1;
                while text.contains(&format!("{MARK}~{names}")) {
                    names += 1;
                }
                format!("{MARK}~{names}")
            }
            Some(new) => new,
            None => MARK.to_owned(),
        };
        out.push_str(&text[copied..token.start]);
        out.push_str(&serde_json::Value::String(new).to_string());
        copied = token.end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// The strings and numbers of a JSON text, quotes included.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_start = |byte: &u8| *byte == b'"' || *byte == b'-' || byte.is_ascii_digit();
        let start = at + bytes.get(at..)?.iter().position(is_start)?;
        at = start + 1;
        if bytes[start] == b'"' {
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => break,
                    b'\\' => at += 2,
                    _ => at += 1,
                }
            }
            at = (at + 1).min(bytes.len());
        } else {
            let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
            at += bytes[at..]
                .iter()
                .take_while(|byte| is_number(byte))
                .count();
        }
        Some(start..at)
    })
}
