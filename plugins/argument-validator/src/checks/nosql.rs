//! Finds operators of document databases where a value was asked for, and code for their interpreters.

use super::Level;
use crate::reading::{Reading, find, natural_words};

const OPERATOR: &str = "An operator of a document database";
const CODE: &str = "A value with code for a document database";

/// What is wrong with the value as a part of a query to a document database.
pub(crate) fn found(reading: &Reading, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    if is_code(reading, level) {
        return Some(CODE);
    }
    for (at, _) in reading.near().match_indices(['$', '&']) {
        let rest = &text[at + 1..];
        let end = rest
            .find(|it: char| !it.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let is_near = level.allows(reading, at) || reading.words_before(at) < 2;
        if !is_operator(&rest[..end]) || !is_near {
            continue;
        }
        let is_first = |before: &str| {
            before
                .trim_matches([' ', '"', '\'', '{', '[', '\n', '\t'])
                .is_empty()
        };
        let before = text[..at].trim_end_matches([' ', '"', '\'']);
        let after = rest[end..].trim_start_matches(['"', '\'', ' ', '\\']);
        // `user[$ne]=1`
        let is_parameter = before.ends_with('[')
            && rest[end..].starts_with("]")
            && rest[end + 1..].starts_with(['=', '[', ' ']);
        let is_member = after.starts_with(':') && text[at..].starts_with('$')
            || after.starts_with(':') && before.ends_with('{');
        let breaks = !text.starts_with(['{', '[']) && before.ends_with(',')
            || before.ends_with('}') && !text.starts_with(['{', '[']);
        let is_found = match level {
            Level::Fragment => {
                is_parameter || is_member && (breaks || text.trim_start().starts_with("$where"))
            }
            Level::Prose => is_parameter || is_member && (breaks || is_first(&text[..at])),
            Level::Plain => {
                is_parameter
                    || is_member && (breaks || is_first(&text[..at]) || before.ends_with('{'))
            }
        };
        if is_found {
            return Some(OPERATOR);
        }
    }
    None
}

/// Whether a member's name is an operator that a query runs.
pub(crate) fn is_operator_name(name: &str) -> bool {
    name.strip_prefix('$').is_some_and(|name| {
        let small = name.to_ascii_lowercase();
        is_operator(&small)
    })
}

fn is_operator(name: &str) -> bool {
    matches!(
        name,
        "ne" | "gt"
            | "gte"
            | "lt"
            | "lte"
            | "eq"
            | "in"
            | "nin"
            | "or"
            | "and"
            | "nor"
            | "not"
            | "where"
            | "regex"
            | "exists"
            | "type"
            | "expr"
            | "mod"
            | "all"
            | "size"
            | "elemmatch"
            | "function"
            | "accumulator"
            | "jsonschema"
            | "text"
            | "comment"
    )
}

/// A closed quote and code behind it: `'; return true; var x='`, `' || this.password.match(…)`.
fn is_code(reading: &Reading, level: Level) -> bool {
    const STARTS: [&str; 16] = [
        "return",
        "while(",
        "while (",
        "do{",
        "do {",
        "this.",
        "sleep(",
        "db.",
        "var ",
        "it=new date",
        "it=newdate",
        "function(",
        "for(",
        "throw",
        "emit(",
        "true",
    ];
    let text = reading.text.as_str();
    let start = text.find(['\'', '"', ';', '|', '&', '}', ')']);
    if let Some(start) = start
        && natural_words(&text[..start]) <= usize::from(level != Level::Fragment)
        && !text[..start].contains(['(', '{', '=', '.', ':'])
    {
        let joined = text[start..].trim_start_matches(['\'', '"', ')', '}', ' ', '\\', ']']);
        let code = joined.trim_start_matches([';', '|', '&', ' ', '(', '!']);
        let is_joined = joined.len() > code.len()
            && (text.starts_with(['\'', '"', ';', '|', '&'])
                || text[start..].starts_with(['\'', '"']));
        let starts = STARTS.iter().find(|it| code.starts_with(**it));
        let is_sure = starts.is_some_and(|it| {
            *it != "true" && *it != "return"
                || code[it.len()..].starts_with([' ', ';', '\'', '(', '}', ','])
                    && (code.contains(';') || code.contains("==") || code.contains('}'))
        });
        if is_joined && is_sure && natural_words(code) < 8 {
            return true;
        }
    }
    if level == Level::Fragment {
        return false;
    }
    let calls = [
        "db.",
        ".insert({",
        ".find({",
        ".drop()",
        ".mapreduce(",
        "dropdatabase(",
    ];
    let is_shell = text.trim_start().starts_with("db.")
        && calls[1..].iter().any(|call| find(text, call).is_some());
    is_shell && level == Level::Plain
}
