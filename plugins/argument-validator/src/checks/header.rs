//! Finds line ends that begin another header or another message.

use super::Level;
use crate::reading::{Reading, find, natural_words};
use crate::role::Role;

const HEADER: &str = "A line end with a header behind it";
const LINE: &str = "A line end in a header";

/// What is wrong with the value as a part of a header or a URL.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    // A line end in the words of a programming language.
    if let Some(at) = find(text, "\\r\\n").or_else(|| find(text, "\\n")) {
        let line = text[at..].trim_start_matches(['\\', 'r', 'n']);
        if known_header(line) || role == Role::Header && begins_with_a_header(line) {
            return level.allows(reading, at).then_some(HEADER);
        }
    }
    let first = text.find(['\r', '\n'])?;
    if role == Role::Header {
        // A line end at the very end, or before a blank, ends nothing.
        return (!text[first..].trim().is_empty()).then_some(LINE);
    }
    let is_raw = reading.value.contains(['\r', '\n']);
    let mut rest = &text[first..];
    let before = natural_words(&text[..first]);
    if before > level.words() + usize::from(is_raw) {
        return None;
    }
    while let Some(at) = rest.find(['\r', '\n']) {
        let blank = rest[at..].len() - rest[at..].trim_start_matches(['\r', '\n']).len();
        let line = rest[at + blank..].trim_start_matches([' ', '\t', '%', '/', '?', '#']);
        let is_header = match is_raw {
            // A text has lines with a word and a colon too.
            true => known_header(line),
            false => {
                begins_with_a_header(line)
                    || rest[at..].starts_with("\r\n\r\n")
                    || line.starts_with("<")
            }
        };
        if is_header {
            return Some(HEADER);
        }
        rest = &rest[at + blank..];
    }
    None
}

/// Whether the line begins with a name and a colon, or is the first line of a message.
fn begins_with_a_header(line: &str) -> bool {
    let end = line
        .find(|it: char| !(it.is_ascii_alphanumeric() || it == '-'))
        .unwrap_or(line.len());
    end > 0
        && (line[end..].starts_with(':') && !line[end..].starts_with("://")
            || line.starts_with("http/1")
            || known_header(line))
        || ["get /", "post /", "header"]
            .iter()
            .any(|it| line.starts_with(it))
}

fn known_header(line: &str) -> bool {
    const NAMES: [&str; 20] = [
        "set-cookie:",
        "location:",
        "content-length:",
        "content-type:",
        "transfer-encoding:",
        "http/1.",
        "x-forwarded-",
        "bcc:",
        "cc:",
        "host:",
        "access-control-",
        "set-cookie2:",
        "refresh:",
        "x-xss-protection:",
        "content-security-policy:",
        "mail from:",
        "rcpt to:",
        "referer:",
        "cookie:",
        "authorization:",
    ];
    NAMES.iter().any(|name| line.starts_with(name))
}
