//! What differs between two definitions, place by place.

use sandgate_sdk::pointer::escape;
use serde_json::Value;

/// A place at which two definitions differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON Pointer in the definition.
    pub pointer: String,
    /// What stood there; `None` where nothing did.
    pub before: Option<Value>,
    /// What stands there; `None` where nothing does.
    pub after: Option<Value>,
}

/// How deep definitions are compared. What lies deeper is compared as a whole.
const DEEPEST: usize = 64;

/// The longest text of one side in the rendering, in characters.
const LONGEST: usize = 600;

/// The places at which the definitions differ, members by name. Lists of plain values are compared as a whole.
pub fn between(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), String::new(), 0, &mut found);
    found.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    found
}

fn compare(
    before: Option<&Value>,
    after: Option<&Value>,
    pointer: String,
    depth: usize,
    found: &mut Vec<Difference>,
) {
    let child = |name: &str| format!("{pointer}/{}", escape(name));
    match (before, after) {
        (Some(one), Some(other)) if one == other => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) if depth < DEEPEST => {
            for (name, value) in one {
                compare(Some(value), other.get(name), child(name), depth + 1, found);
            }
            for (name, value) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                compare(None, Some(value), child(name), depth + 1, found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other)))
            if depth < DEEPEST
                && one.len() == other.len()
                && one.iter().chain(other).any(Value::is_object) =>
        {
            for (n, (one, other)) in one.iter().zip(other).enumerate() {
                compare(
                    Some(one),
                    Some(other),
                    child(&n.to_string()),
                    depth + 1,
                    found,
                );
            }
        }
        (before, after) => found.push(Difference {
            pointer,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() {
            "/"
        } else {
            &self.pointer
        };
        writeln!(f, "  {place}")?;
        if let Some(before) = &self.before {
            writeln!(f, "    - {}", shown(before))?;
        }
        if let Some(after) = &self.after {
            writeln!(f, "    + {}", shown(after))?;
        }
        Ok(())
    }
}

/// The value as text for a terminal: what nobody sees is written as its code.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        match c {
            '\n' => shown.push_str("\\n"),
            ' '..='~' => shown.push(c),
            c if c.is_alphanumeric()
                && sandgate_detect::hidden::kinds(c.encode_utf8(&mut [0; 4])).is_empty() =>
            {
                shown.push(c)
            }
            c => shown.extend(c.escape_default()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str(" …");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_place_is_told_once() {
        let before = json!({"name": "a", "inputSchema": {"properties": {"x": {"type": "string"}}, "required": ["x"]}});
        let after = json!({"name": "a", "inputSchema": {"properties": {"x": {"type": "number"}, "y/z": {}}, "required": []}});
        let pointers: Vec<String> = between(&before, &after)
            .into_iter()
            .map(|d| d.pointer)
            .collect();
        assert_eq!(
            pointers,
            [
                "/inputSchema/properties/x/type",
                "/inputSchema/properties/y~1z",
                "/inputSchema/required"
            ]
        );
    }

    #[test]
    fn hidden_characters_are_shown() {
        let found = between(
            &json!({"d": "a"}),
            &json!({"d": "a\u{200B}b\u{1B}[8m\u{E0041}\n検索"}),
        );
        let text: String = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            "  /d\n    - a\n    + a\\u{200b}b\\u{1b}[8m\\u{e0041}\\n検索\n"
        );
    }
}
