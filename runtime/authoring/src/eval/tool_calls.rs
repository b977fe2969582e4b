//! The calls in a recorded trace: `{"steps": [{"tool", "args"}]}`, `[{"tool": {"argument": [value, …]}}]`, and
//! `tool(argument=value)`.

use serde_json::{Map, Value};

/// A call of a tool.
#[derive(Debug, PartialEq)]
pub(super) struct ToolCall {
    pub(super) tool: String,
    pub(super) arguments: Value,
}

/// All calls in the text. A text without any is one argument.
pub(super) fn read(text: &str) -> Vec<ToolCall> {
    let mut calls = Vec::new();
    if let Ok(value) = serde_json::from_str(text) {
        collect(&value, &mut calls);
    }
    if calls.is_empty() {
        let mut arguments = Map::new();
        arguments.insert("text".into(), text.into());
        calls.push(ToolCall {
            tool: "tool".into(),
            arguments: arguments.into(),
        });
    }
    calls
}

fn collect(value: &Value, calls: &mut Vec<ToolCall>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, calls)),
        Value::String(text) => calls.extend(written(text)),
        Value::Object(members) => match (members.get("tool"), members.get("args")) {
            (Some(Value::String(tool)), Some(args)) => {
                let parsed = args
                    .as_str()
                    .and_then(|text| serde_json::from_str(text).ok());
                calls.push(ToolCall {
                    tool: tool.clone(),
                    arguments: parsed.unwrap_or_else(|| args.clone()),
                });
            }
            _ => match members.get("steps") {
                Some(steps) => collect(steps, calls),
                None => calls.extend(members.iter().filter_map(with_choices)),
            },
        },
        _ => {}
    }
}

/// A call whose arguments each have a list of values that would be right. The first one counts.
fn with_choices((tool, arguments): (&String, &Value)) -> Option<ToolCall> {
    let arguments = arguments.as_object()?.iter().map(|(name, choices)| {
        let first = choices.as_array().and_then(|choices| choices.first());
        (name.clone(), first.unwrap_or(choices).clone())
    });
    Some(ToolCall {
        tool: tool.clone(),
        arguments: arguments.collect::<Map<_, _>>().into(),
    })
}

/// A call as Python writes it. A value that is no quoted text stays as it is written.
fn written(text: &str) -> Option<ToolCall> {
    let (tool, rest) = text.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    if tool.is_empty() || !tool.chars().all(is_name) {
        return None;
    }
    let mut arguments = Map::new();
    for (index, part) in parts(inside).into_iter().enumerate() {
        let named = part
            .split_once('=')
            .filter(|(name, _)| !name.is_empty() && name.trim().chars().all(is_name));
        let (name, value) = match named {
            Some((name, value)) => (name.trim().to_owned(), value.trim()),
            None => (format!("argument{index}"), part.trim()),
        };
        let unquoted = ['\'', '"']
            .into_iter()
            .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        let value = match unquoted {
            Some(text) => Value::from(text),
            None => literal(value).unwrap_or_else(|| Value::from(value)),
        };
        arguments.insert(name, value);
    }
    Some(ToolCall {
        tool: tool.to_owned(),
        arguments: arguments.into(),
    })
}

/// A value as JSON or Python writes it.
fn literal(text: &str) -> Option<Value> {
    let json = |text: &str| serde_json::from_str(text).ok();
    let python = || {
        let named = match text {
            "True" => "true",
            "False" => "false",
            "None" => "null",
            text => text,
        };
        json(&named.replace('\'', "\""))
    };
    json(text).or_else(python)
}

/// The parts between commas that are in no quotes and no brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0u32, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn call(tool: &str, arguments: Value) -> ToolCall {
        ToolCall {
            tool: tool.into(),
            arguments,
        }
    }

    #[test]
    fn each_way_to_write_a_call_is_read() {
        assert_eq!(
            read(r#"[{"math.gcd": {"num1": [12], "num2": [15, 16]}}]"#),
            [call("math.gcd", json!({ "num1": 12, "num2": 15 }))]
        );
        assert_eq!(
            read(
                r#"[["cd('temp')", "grep(file_name='a, b.txt',pattern=\"x=y\",n=3,tags=['#a', '#b'], all=True)"]]"#
            ),
            [
                call("cd", json!({ "argument0": "temp" })),
                call(
                    "grep",
                    json!({ "file_name": "a, b.txt", "pattern": "x=y", "n": 3, "tags": ["#a", "#b"], "all": true })
                ),
            ]
        );
        let steps = json!({ "steps": [{ "tool": "find", "args": r#"{"id":"7"}"# }] });
        assert_eq!(
            read(&steps.to_string()),
            [call("find", json!({ "id": "7" }))]
        );
    }

    #[test]
    fn a_text_without_a_call_is_an_argument() {
        assert_eq!(read("hello"), [call("tool", json!({ "text": "hello" }))]);
    }
}
