//! `sandgate plugin doc`: writes a plugin's page in Markdown, from its manifest.

use std::fmt::Write as _;

use sandgate_assembly::inspect;
use sandgate_host::PluginFile;
use sandgate_message::Role;
use serde_json::Value;

use crate::config_lines::config_lines;

/// The page of a plugin.
pub fn page(file: &PluginFile) -> String {
    let manifest = file.manifest();
    let mut out = format!("# {}\n", manifest.name);
    // Writing to a string cannot fail.
    if !manifest.description.is_empty() {
        let _ = writeln!(out, "\n{}", text(&manifest.description));
    }
    let licence = if manifest.licence.is_empty() {
        "not stated"
    } else {
        &manifest.licence
    };
    let _ = writeln!(
        out,
        "\nVersion {}. Licence: {}.\n",
        text(&manifest.version),
        text(licence)
    );
    let _ = writeln!(out, "| hook | is a | sees |\n|---|---|---|");
    for (hook, role, events) in manifest.hooks() {
        let role = match role {
            Role::Validation => "validation: it may refuse",
            Role::Mutation => "mutation: it may change and refuse",
        };
        let events: Vec<_> = events.iter().map(|event| code(event)).collect();
        let _ = writeln!(
            out,
            "| `{}` | {role} | {} |",
            hook.as_str(),
            events.join(", ")
        );
    }
    let asks = inspect::asks(file);
    out.push_str("\n## What it asks for\n\n");
    if asks.is_empty() {
        out.push_str("Nothing: it only computes.\n");
    }
    for (what, why) in asks {
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {}", text(&why))
        };
        let _ = writeln!(out, "- {}{why}", text(&what));
    }
    let limits = &manifest.limits;
    let limits: Vec<_> = [("memory", &limits.memory), ("timeout", &limits.timeout)]
        .into_iter()
        .filter_map(|(name, limit)| Some(format!("- {name} {}\n", text(limit.as_ref()?))))
        .collect();
    if !limits.is_empty() {
        let _ = write!(
            out,
            "\n## Limits\n\nUnless the operator says otherwise:\n\n{}",
            limits.concat()
        );
    }
    out.push_str("\n## Settings\n\n");
    let mut rows = Vec::new();
    let schema = Schema {
        root: &manifest.settings,
    };
    schema.rows(&manifest.settings, "", &mut rows);
    if rows.is_empty() {
        out.push_str("None.\n");
    } else {
        out.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
        for row in rows {
            let _ = writeln!(out, "{row}");
        }
    }
    let path = format!("{}.wasm", manifest.name);
    let lines = config_lines(file, &path, Some(file.digest()));
    let _ = writeln!(
        out,
        "\n## In a gateway's configuration\n\n```toml\n{lines}```"
    );
    out
}

/// The schema of the settings, to which its parts may refer.
struct Schema<'a> {
    root: &'a Value,
}

/// The most levels of nested objects that get rows of their own, since a schema may refer to itself.
const DEEPEST: usize = 8;

impl<'a> Schema<'a> {
    /// Adds a row for each property. Those of nested objects have dotted names.
    fn rows(&self, schema: &'a Value, prefix: &str, rows: &mut Vec<String>) {
        let required = |name: &str| {
            let all = schema["required"].as_array();
            all.is_some_and(|all| all.iter().any(|required| required == name))
        };
        for (name, said) in schema["properties"].as_object().into_iter().flatten() {
            let property = self.meant(said);
            let path = format!("{prefix}{name}");
            let default = match said.get("default").or_else(|| property.get("default")) {
                Some(Value::Null) => "left out".into(),
                Some(default) => code(&default.to_string()),
                None if required(name) => "must be given".into(),
                None => "left out".into(),
            };
            let description = said.get("description").or(property.get("description"));
            rows.push(format!(
                "| {} | {} | {default} | {} |",
                code(&path),
                self.takes(property),
                text(description.and_then(Value::as_str).unwrap_or_default())
            ));
            if path.split('.').count() < DEEPEST {
                self.rows(property, &format!("{path}."), rows);
            }
        }
    }

    /// Resolves a reference. For an alternative of a schema and `null`, returns the schema.
    fn meant(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // The bound ends a reference that refers to itself.
        for _ in 0..DEEPEST {
            let target = schema["$ref"]
                .as_str()
                .and_then(|target| target.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            let either = schema["anyOf"].as_array().map(|all| all.as_slice());
            schema = match (target, either) {
                (Some(target), _) => target,
                (None, Some([one, null] | [null, one])) if null["type"] == "null" => one,
                _ => break,
            };
        }
        schema
    }

    fn takes(&self, schema: &'a Value) -> String {
        let schema = self.meant(schema);
        let options = |all: &[Value]| {
            let all: Vec<_> = all.iter().map(|option| code(&option.to_string())).collect();
            all.join(", ")
        };
        if let Some(all) = schema["enum"].as_array() {
            return options(all);
        }
        // The form of a type of named values in which each has a description.
        let each = schema["oneOf"].as_array().into_iter().flatten();
        let each: Option<Vec<_>> = each.map(|one| one.get("const").cloned()).collect();
        if let Some(all) = each.filter(|all| !all.is_empty()) {
            return options(&all);
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().collect(),
            kind => vec![kind],
        };
        let mut kinds = kinds.into_iter().filter_map(Value::as_str);
        match kinds.find(|kind| *kind != "null") {
            Some("array") => format!("list of {}", self.takes(&schema["items"])),
            Some("object") => "table".into(),
            Some("string") => "text".into(),
            Some("integer") => "whole number".into(),
            Some("boolean") => "true or false".into(),
            Some(other) => text(other),
            None => "any value".into(),
        }
    }
}

/// The text as code in a table's cell.
fn code(text: &str) -> String {
    format!(
        "`{}`",
        text.replace('`', "'")
            .replace('|', "\\|")
            .replace(['\n', '\r'], " ")
    )
}

/// The text in a table's cell: on one line, with all markup escaped.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '<' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_page_tells_hooks_asks_and_every_setting() {
        let page = page(&inspect::read("builtin:pii-scrubber").unwrap());
        for part in [
            "# pii-scrubber\n",
            "| `post-call` | mutation: it may change and refuse | `",
            "- state: remembers which number",
            "| `action` | `\"mask\"`, `\"hash\"`, `\"tokenise\"` | `\"mask\"` |",
            "| `reveal.email` | whole number | left out |",
            "## Limits\n\nUnless the operator says otherwise:\n\n- memory 64MiB\n- timeout 2s\n",
            "digest = \"sha256:",
        ] {
            assert!(page.contains(part), "{part:?} in\n{page}");
        }
    }

    #[test]
    fn a_schema_that_was_derived_from_a_type_is_told_as_one_written_by_hand() {
        let root = serde_json::json!({
            "properties": {
                "mode": {"$ref": "#/$defs/Mode", "default": "mask", "description": "What happens."},
                "share": {"type": ["number", "null"], "default": null},
                "at-night": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"type": "null"}]},
                "kinds": {"type": "array", "items": {"$ref": "#/$defs/Kind"}},
                "more": {"$ref": "#/$defs/More"},
            },
            "required": ["kinds"],
            "$defs": {
                "Mode": {"enum": ["mask", "drop"]},
                "Kind": {"oneOf": [{"const": "a", "description": "A."}, {"const": "b"}]},
                "More": {"type": "object", "properties": {"again": {"$ref": "#/$defs/More"}}},
            }
        });
        let mut rows = Vec::new();
        Schema { root: &root }.rows(&root, "", &mut rows);
        for row in [
            "| `mode` | `\"mask\"`, `\"drop\"` | `\"mask\"` | What happens. |",
            "| `share` | number | left out |  |",
            "| `at-night` | `\"mask\"`, `\"drop\"` | left out |  |",
            "| `kinds` | list of `\"a\"`, `\"b\"` | must be given |  |",
            "| `more.again` | table | left out |  |",
        ] {
            assert!(rows.iter().any(|said| said == row), "{row} in {rows:#?}");
        }
        assert!(rows.len() < 20);
    }

    #[test]
    fn what_a_plugin_says_of_itself_is_no_markup() {
        assert_eq!(text("a|b\n<c> [d](e)"), "a\\|b \\<c> \\[d\\](e)");
        assert_eq!(code("a`b|c"), "`a'b\\|c`");
    }
}
