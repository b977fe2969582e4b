//! Control characters, kept from what is written where people and programs read it line by line: nobody but the gateway
//! begins a line, and nobody's text steers a terminal.

use std::borrow::Cow;

/// What stands before the second and later lines of an event: no line of its own begins so.
const CONTINUED: &str = "    ";

/// An event of a log in text: further lines are indented, other control characters escaped. `colours`: the sequences
/// that colour it stay; what is within its values has been escaped before them.
pub fn event(text: &str, colours: bool) -> Cow<'_, str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let stays = |c: char| !c.is_control() || c == '\t' || (colours && c == '\x1b');
    if body.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 32);
    for c in body.chars() {
        match c {
            '\n' => {
                safe.push('\n');
                safe.push_str(CONTINUED);
            }
            c if stays(c) => safe.push(c),
            c => safe.push_str(&escaped(c)),
        }
    }
    safe.push_str(&text[body.len()..]);
    Cow::Owned(safe)
}

/// The same for JSON on one line: what JSON lets stand in its strings as it is, and terminals obey, is escaped. It means
/// what it meant.
pub fn json(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| matches!(c, '\x7f'..='\u{9f}');
    // In UTF-8 these begin with one of two bytes.
    if !text.bytes().any(|byte| matches!(byte, 0x7f | 0xc2)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if obeyed(c) {
            safe.push_str(&escaped(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn further_lines_are_indented_and_everything_else_is_escaped() {
        assert_eq!(event("a\tb é\n", false), "a\tb é\n");
        assert_eq!(
            event("warn: it\n2026 INFO forged\r\x1b[2K\u{9b}\0\x07\n", false),
            "warn: it\n    2026 INFO forged\\u000d\\u001b[2K\\u009b\\u0000\\u0007\n"
        );
        assert_eq!(
            event("\x1b[2mdim\x1b[0m\r\n", true),
            "\x1b[2mdim\x1b[0m\\u000d\n"
        );
    }

    #[test]
    fn json_means_the_same() {
        let line = "{\"a\u{9b}\":\"\x7f \u{a0}\u{2028}\"}\n";
        let safe = json(line);
        assert_eq!(safe, "{\"a\\u009b\":\"\\u007f \u{a0}\u{2028}\"}\n");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&safe), read(line));
        assert!(matches!(json("{\"a\":1}\n"), Cow::Borrowed(_)));
    }
}
