//! Finds values that close a filter of a directory service and open another one.

use super::Level;
use crate::reading::Reading;

/// What is wrong with the value as a part of a filter.
pub(crate) fn found(reading: &Reading, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    let mut depth = 0i32;
    for (at, byte) in text.bytes().take(reading.horizon).enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        // Within a character nothing begins.
        let begins = || text.get(at + 1..).is_some_and(begins_a_filter);
        if depth < 0 && begins() && level.allows(reading, at) {
            return Some("A piece of a filter for a directory service");
        }
    }
    // A whole filter where a value was asked for, behind a wildcard or written in another way.
    let is_filter = text.trim_start().starts_with("*(") && begins_a_filter(&text.trim_start()[1..]);
    (is_filter && level != Level::Fragment).then_some("A filter for a directory service")
}

/// `(uid=`, `(|(uid=`, `(&`, perhaps behind more closing brackets.
fn begins_a_filter(text: &str) -> bool {
    let rest = text.trim_start_matches([')', ' ']);
    let inner = rest.trim_start_matches(['(', '|', '&', '!', ' ']);
    if inner.len() == rest.len() {
        return false;
    }
    let end = inner
        .find(|it: char| !(it.is_ascii_alphanumeric() || "-:;.".contains(it)))
        .unwrap_or(inner.len());
    let behind = &inner[end..];
    end > 0
        && (behind.starts_with('=')
            || behind.starts_with("~=")
            || behind.starts_with(">=")
            || behind.starts_with("<="))
        || matches!(rest, "(&" | "(!")
        || rest.starts_with("(|")
        || rest.starts_with("(&)")
        || rest.starts_with("(&(")
}
