//! The names of an entry, of its version and of its headers.

use super::text::{LONGEST_NAME, shown};
use crate::entry::Refusal;

/// Judges an entry's name.
pub(crate) fn name(text: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let good = (1..=LONGEST_NAME).contains(&text.len())
        && text.chars().all(fits)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    match good {
        true => Ok(()),
        false => Err(Refusal::of(format!(
            "the name {} is not 1 to {LONGEST_NAME} ASCII letters, digits, `-`, `_`, `.` and `/`",
            shown(text)
        ))),
    }
}

/// Judges an entry's version: what may be written on a command line behind `@`.
pub(crate) fn version(text: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    match (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(fits) {
        true => Ok(()),
        false => Err(Refusal::of(format!("the version {} is none", shown(text)))),
    }
}

/// Judges a header's name.
pub(crate) fn header(name: &str) -> Result<(), Refusal> {
    match name.len() <= LONGEST_NAME && http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
        true => Ok(()),
        false => Err(Refusal::of(format!("{} is no header's name", shown(name)))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for good in ["brave", "SQLite", "io.github.acme/weather-2", "a_b.c"] {
            name(good).unwrap();
        }
        let long = "x".repeat(201);
        for bad in [
            "",
            "-x",
            "x-",
            "a b",
            "\u{430}pple",
            "a\u{202e}b",
            "a\x1b[2J",
            "../x",
            "a\n[gateway]",
            "a\"b",
            long.as_str(),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "1.0 ", "^1", "1@2", "a/b"] {
            assert!(version(bad).is_err(), "{bad:?}");
        }
    }
}
