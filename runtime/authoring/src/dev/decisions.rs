//! A plugin's decisions on its fixtures, and how they differ from one version to the next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;
use serde_json::{Map, Value};

const QUIET: Style = Style::new().dimmed();

/// Decisions by the fixture's name, in the words of its `[expect]`.
pub(super) type Decisions = BTreeMap<String, Map<String, Value>>;

/// A line for each fixture whose decision differs: `name: was → is`.
pub(super) fn difference(before: &Decisions, now: &Decisions) -> String {
    let mut text = String::new();
    for (name, is) in now {
        match before.get(name) {
            Some(was) if was == is => {}
            Some(was) => {
                let (from, to) = (short(was), short(is));
                let which = match from == to {
                    true => format!(" {QUIET}({}){QUIET:#}", members(was, is).join(", ")),
                    false => String::new(),
                };
                let _ = writeln!(text, "  {name}: {from} → {to}{which}");
            }
            None => {
                let _ = writeln!(text, "  {name}: new → {}", short(is));
            }
        }
    }
    for (name, was) in before {
        if !now.contains_key(name) {
            let _ = writeln!(text, "  {name}: {} → no longer there", short(was));
        }
    }
    text
}

/// The decision in a few words.
pub(super) fn short(decision: &Map<String, Value>) -> String {
    let word = decision.get("decision").and_then(Value::as_str);
    let named = [
        decision
            .get("refusal")
            .and_then(|refusal| refusal.get("code")),
        decision.get("fault"),
    ];
    let named = named.into_iter().flatten().find_map(Value::as_str);
    let text = [word, named].into_iter().flatten().collect::<Vec<_>>();
    printable(&text.join(" "))
}

/// The text without control characters, so that a plugin's text cannot steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            match c.is_control() {
                true => c.escape_default().collect::<String>(),
                false => c.to_string(),
            }
            .chars()
            .collect::<Vec<_>>()
        })
        .collect()
}

/// The names of the members that differ.
fn members(was: &Map<String, Value>, is: &Map<String, Value>) -> Vec<String> {
    let mut names: Vec<_> = was
        .keys()
        .chain(is.keys())
        .filter(|name| was.get(*name) != is.get(*name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn decisions(all: Value) -> Decisions {
        let all = all.as_object().unwrap().clone();
        all.into_iter()
            .map(|(name, is)| (name, is.as_object().unwrap().clone()))
            .collect()
    }

    #[test]
    fn only_what_differs_is_told_as_was_and_is() {
        let refusal = json!({"decision": "refuse", "refusal": {"code": "a.b", "message": "m"}});
        let before = decisions(json!({
            "same": {"decision": "proceed"},
            "other": {"decision": "proceed"},
            "document": {"decision": "edit", "document": "1", "carry": "x"},
            "old": refusal,
        }));
        let now = decisions(json!({
            "same": {"decision": "proceed"},
            "other": refusal,
            "document": {"decision": "edit", "document": "2"},
            "young": {"decision": "fault", "fault": "trap\u{1b}"},
        }));
        let text = anstream::adapter::strip_str(&difference(&before, &now)).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  document: edit → edit (carry, document)",
                "  other: proceed → refuse a.b",
                "  young: new → fault trap\\u{1b}",
                "  old: refuse a.b → no longer there",
            ]
        );
        assert_eq!(difference(&now, &now), "");
    }
}
