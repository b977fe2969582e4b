//! A JSON text with marks in place of values: in strings and names of members however they are escaped, in numbers, and in
//! strings beside each other.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use crate::mark::{MARK, replaced};

/// The text with its values replaced; `None` where there are none. The text is JSON already.
pub(crate) fn redacted(
    text: &str,
    find: impl Fn(&[u8]) -> Vec<Range<usize>>,
    find_spread: impl Fn(&[u8]) -> Vec<Range<usize>>,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut names = None;
    let mut spread = find_spread(text.as_bytes()).into_iter().peekable();
    for token in tokens(text) {
        let raw = &text[token.clone()];
        while spread.next_if(|range| range.end <= token.start).is_some() {}
        let touched = spread.peek().is_some_and(|range| range.start < token.end);
        let is_string = raw.starts_with('"');
        let decoded = decoded(raw);
        let found = find(decoded.as_bytes());
        if found.is_empty() && !touched {
            continue;
        }
        let is_name = is_string && text[token.end..].trim_start().starts_with(':');
        let new = match replaced(&decoded, &found) {
            _ if is_name => {
                let number = names.get_or_insert_with(|| Names::of(text)).number();
                format!("{MARK}~{number}")
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

/// Numbers for the marks in place of names: no two members of an object have the same name.
struct Names {
    last: usize,
    /// Numbers behind marks that are in the text already.
    taken: HashSet<usize>,
}

impl Names {
    /// Reads the text once, since it may have as many names as it has room for.
    fn of(text: &str) -> Self {
        let taken = tokens(text).filter_map(|token| {
            let decoded = decoded(&text[token]);
            let number = decoded.strip_prefix(MARK)?.strip_prefix('~')?;
            number.parse().ok()
        });
        Self {
            last: 0,
            taken: taken.collect(),
        }
    }

    /// The next number that is not taken. Each taken one is passed over once.
    fn number(&mut self) -> usize {
        self.last += 1;
        while self.taken.remove(&self.last) {
            self.last += 1;
        }
        self.last
    }
}

/// A string without its quotes and escapes, or a number.
fn decoded(raw: &str) -> Cow<'_, str> {
    match raw.starts_with('"') && raw.contains('\\') {
        true => serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
        false => Cow::Borrowed(raw.trim_matches('"')),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_past_those_that_are_there_with_one_look_at_the_text() {
        let text = r#"{"[redacted]~1":1,"\u005bredacted]~3":[redacted]~9,"[redacted]~18446744073709551616":"x"}"#;
        let mut names = Names::of(text);
        assert_eq!(names.taken, HashSet::from([1, 3]));
        let numbers: Vec<_> = std::iter::repeat_with(|| names.number())
            .take(20_000)
            .collect();
        assert_eq!(numbers[..3], [2, 4, 5]);
        assert_eq!(numbers.last(), Some(&20_002));
        assert!(names.taken.is_empty(), "each is passed over once");
    }
}
