//! The names of places, keys and kinds of values in the configuration's errors.

use sandgate_message::pointer;
use serde_json::Value;

use super::tree::Node;

/// The kind of a boolean.
pub(crate) const TRUTH: &str = "true or false";

/// A place in the file as people name it, for example `` `interceptors[0].timeout` ``.
pub(crate) fn named(pointer: &str) -> String {
    let mut name = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = pointer::unescape(segment);
        if !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()) {
            name += &format!("[{segment}]");
            continue;
        }
        if !name.is_empty() {
            name.push('.');
        }
        let bare = !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        name += &if bare {
            segment
        } else {
            format!("{segment:?}")
        };
    }
    if name.is_empty() {
        "the configuration".into()
    } else {
        format!("`{name}`")
    }
}

/// The kind of value that a key takes, by its schema.
pub(crate) fn kind_of(kind: &str, schema: &Value) -> String {
    match kind {
        "object" => "a table".into(),
        "array" => "a list".into(),
        "string" => "text".into(),
        "boolean" => TRUTH.into(),
        "integer" => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            _ => "a whole number".into(),
        },
        other => other.into(),
    }
}

/// The kind of a value.
pub(crate) fn kind(value: &Node) -> &'static str {
    match value {
        Node::Text(_) => "text",
        Node::Integer(_) => "a whole number",
        Node::Float(_) => "a number with a point",
        Node::Truth(_) => "true or false",
        Node::Date => "a date or time",
        Node::List(_) => "a list",
        Node::Table(_) => "a table",
    }
}
