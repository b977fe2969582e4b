//! A fixture's expectation: compared with the outcome, and rewritten by `--bless`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sandgate_message::Failure;
use serde_json::{Map, Value, json};

use crate::fixture::Fixture;
use crate::render;
use crate::trial::Seen;

/// The outcome in the words of `[expect]`. The state is only included if it changed.
pub(super) fn actual(
    seen: &Seen,
    state: &BTreeMap<String, Vec<u8>>,
    fixture: &Fixture,
) -> Map<String, Value> {
    let mut actual = render::decision(seen);
    if *state != fixture.state {
        actual.insert("state".into(), render::state_as_value(state));
    }
    actual
}

/// Describes how the outcome differs from what is expected. Members that `[expect]` does not name must be absent. A
/// document that it writes as a table is compared as JSON.
pub(super) fn differs(
    actual: &Map<String, Value>,
    expect: Option<&Map<String, Value>>,
    seen: &Seen,
) -> Option<String> {
    let expect = match expect {
        None => {
            return Some(format!(
                "nothing is expected of it yet; it came to:\n{}\n--bless writes that into the fixture\n",
                lines(actual)
            ));
        }
        Some(expect) => expect,
    };
    let mut actual = actual.clone();
    let mut wanted = expect.clone();
    if let (Some(document), Some(table)) = (seen.document(), expect.get("document"))
        && !table.is_string()
    {
        actual.insert("document".into(), document.to().unwrap_or_default());
    }
    // The fixture may leave fields of refusals and findings open.
    loosen(actual.get_mut("refusal"), wanted.get("refusal"));
    if let (Some(Value::Array(found)), Some(Value::Array(wanted))) =
        (actual.get_mut("findings"), wanted.get("findings"))
        && found.len() == wanted.len()
    {
        for (found, wanted) in found.iter_mut().zip(wanted) {
            loosen(Some(found), Some(wanted));
        }
    }
    if wanted.contains_key("fault") {
        for open in ["kind", "at", "error"] {
            if !wanted.contains_key(open) {
                actual.remove(open);
            }
        }
    }
    // An empty list of findings means none.
    wanted.retain(|key, value| {
        key != "findings" || value.as_array().is_none_or(|all| !all.is_empty())
    });
    if actual == wanted {
        return None;
    }
    let mut text = render::difference(&lines(&wanted), &lines(&actual));
    if let Err(failure) = &seen.decided {
        let _ = write!(text, "it {failure}\n{}", render::told(failure));
        if let Failure::Deadline { .. } = failure {
            text += "the limit is `timeout` in plugin.toml; on a slow machine --time-factor N allows N times as much\n";
        }
    }
    for line in &seen.log {
        let _ = writeln!(text, "log {} {}", line.level, line.message);
    }
    text += &render::printed(seen);
    for request in &seen.unanswered {
        let _ = writeln!(
            text,
            "it asked for {request}, which the fixture does not answer in [[http]]"
        );
    }
    Some(text)
}

/// Drops the members that the fixture does not name.
fn loosen(actual: Option<&mut Value>, wanted: Option<&Value>) {
    if let (Some(Value::Object(actual)), Some(Value::Object(wanted))) = (actual, wanted) {
        actual.retain(|key, _| wanted.contains_key(key));
    }
}

/// The members one for each line, sorted by name. JSON within text is indented.
fn lines(members: &Map<String, Value>) -> String {
    let sorted: BTreeMap<_, _> = members
        .iter()
        .map(|(key, value)| {
            let laid_out = match (key.as_str(), value) {
                ("document", Value::String(text)) => json!({ "as written": text }),
                _ => value.clone(),
            };
            (key, laid_out)
        })
        .collect();
    serde_json::to_string_pretty(&sorted).unwrap_or_default() + "\n"
}

/// The fixture with another `[expect]`. Everything else stays as it was written.
pub(super) fn blessed(text: &str, actual: &Map<String, Value>) -> String {
    let Ok(mut document) = text.parse::<toml_edit::DocumentMut>() else {
        return text.to_owned();
    };
    document.remove("expect");
    let mut table = toml_edit::Table::new();
    // In this order: simple values before tables, as TOML requires.
    for key in [
        "decision", "fault", "kind", "at", "error", "document", "carry", "refusal", "findings",
        "state",
    ] {
        if let Some(value) = actual.get(key) {
            let mut value = value.clone();
            if let ("refusal", Some(members)) = (key, value.as_object_mut()) {
                // For operators, and free to change.
                members.remove("explanation");
            }
            table.insert(key, item(&value));
        }
    }
    document.insert("expect", toml_edit::Item::Table(table));
    document.to_string()
}

pub(crate) fn item(value: &Value) -> toml_edit::Item {
    match value {
        Value::Object(members) => {
            let mut table = toml_edit::Table::new();
            for (key, value) in members {
                table.insert(key, toml_edit::Item::Value(inline(value)));
            }
            toml_edit::Item::Table(table)
        }
        Value::Array(items) if items.iter().all(Value::is_object) => {
            let mut tables = toml_edit::ArrayOfTables::new();
            for value in items {
                if let toml_edit::Item::Table(table) = item(value) {
                    tables.push(table);
                }
            }
            toml_edit::Item::ArrayOfTables(tables)
        }
        other => toml_edit::Item::Value(inline(other)),
    }
}

pub(crate) fn inline(value: &Value) -> toml_edit::Value {
    match value {
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::Array(items) => items
            .iter()
            .map(inline)
            .collect::<toml_edit::Array>()
            .into(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.as_str(), inline(value)))
            .collect::<toml_edit::InlineTable>()
            .into(),
        Value::String(text) => text.as_str().into(),
        Value::Null => "".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blessing_writes_what_was_expected_anew_and_leaves_the_rest() {
        let text = "# why\nhook = 'pre-call' # here\n\n[expect]\ndecision = 'proceed'\n";
        let actual = json!({
            "decision": "refuse",
            "refusal": { "code": "a.b", "message": "no \"way\"", "explanation": { "rule": "r" } },
            "findings": [{ "rule": "r", "severity": "warn" }],
            "state": { "n": 3 },
        });
        let new = blessed(text, actual.as_object().unwrap());
        assert!(
            new.starts_with("# why\nhook = 'pre-call' # here\n"),
            "{new}"
        );
        let read: toml::Table = toml::from_str(&new).unwrap();
        let mut actual = actual;
        actual["refusal"]
            .as_object_mut()
            .unwrap()
            .remove("explanation");
        assert_eq!(sandgate_embed::json(read["expect"].clone()), actual);
    }
}
