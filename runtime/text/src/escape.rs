//! Control characters, kept from what is written where people and programs read it line by line: nobody but the gateway
//! begins a line, and nobody's text steers a terminal.

use std::borrow::Cow;

/// What stands before the second and later lines of an event: no line of its own begins so.
const CONTINUED: &str = "    ";

/// An event of a log in text: further lines are indented, other control characters escaped. `colours`: the sequences
/// that colour it stay; what is within its values has been escaped before them.
pub fn event(text: &str, colours: bool) -> Cow<'_, str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let stays = |c: char| match c {
        '\t' => true,
        '\x1b' => colours,
        c => !c.is_control() && !steers(c),
    };
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

/// The same for JSON on one line: what JSON lets stand in its strings as it is, and terminals or readers obey, is escaped. It
/// means what it meant.
pub fn json(text: &str) -> Cow<'_, str> {
    // In UTF-8 all of them begin with one of these bytes.
    let begins = |byte| matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3);
    if !text.bytes().any(begins) || !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if steers(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Control characters that JSON does not escape, separators of lines, and what is invisible and changes how the text
/// around it reads: direction marks and overrides (U+202E shows a name backwards), zero-width characters, tags.
fn steers(c: char) -> bool {
    matches!(c,
        '\x7f'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// A plugin's own words reach a terminal here.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c.is_control() || steers(c) {
            true => '\u{fffd}',
            false => c,
        })
        .collect()
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
        let line = "{\"a\u{9b}\":\"\x7f \u{a0}\u{2028}\u{202e}é\u{e0041}\"}\n";
        let safe = json(line);
        assert_eq!(
            safe,
            "{\"a\\u009b\":\"\\u007f \u{a0}\\u2028\\u202eé\\udb40\\udc41\"}\n"
        );
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&safe), read(line));
        assert!(matches!(json("{\"a\":1}\n"), Cow::Borrowed(_)));
    }
}
