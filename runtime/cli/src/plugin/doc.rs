//! `sandgate plugin doc`: a plugin's page in Markdown, from what it says of itself.

use std::fmt::Write as _;

use sandgate_host::PluginFile;
use sandgate_message::Role;
use serde_json::Value;

use crate::inspect;

/// The page.
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
    for (name, limit) in [("memory", &limits.memory), ("timeout", &limits.timeout)] {
        if let Some(limit) = limit {
            let _ = writeln!(
                out,
                "- {name} {}, unless the operator says otherwise",
                text(limit)
            );
        }
    }
    out.push_str("\n## Settings\n\n");
    let mut rows = Vec::new();
    settings(&manifest.settings, "", &mut rows);
    if rows.is_empty() {
        out.push_str("None.\n");
    } else {
        out.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
        for row in rows {
            let _ = writeln!(out, "{row}");
        }
    }
    let _ = writeln!(
        out,
        "\n## In a gateway's configuration\n\n```toml\n[[interceptors]]\nname = \"{0}\"\nplugin = \"{0}.wasm\"\ndigest = \"{1}\"\n```",
        manifest.name,
        file.digest()
    );
    out
}

/// A row for each property, those of objects within under their dotted names.
fn settings(schema: &Value, prefix: &str, rows: &mut Vec<String>) {
    let required = |name: &str| {
        let all = schema["required"].as_array();
        all.is_some_and(|all| all.iter().any(|required| required == name))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let default = match property.get("default") {
            Some(default) => code(&default.to_string()),
            None if required(name) => "must be given".into(),
            None => "left out".into(),
        };
        rows.push(format!(
            "| {} | {} | {default} | {} |",
            code(&path),
            takes(property),
            text(property["description"].as_str().unwrap_or_default())
        ));
        settings(property, &format!("{path}."), rows);
    }
}

fn takes(property: &Value) -> String {
    if let Some(options) = property["enum"].as_array() {
        let options: Vec<_> = options
            .iter()
            .map(|option| code(&option.to_string()))
            .collect();
        return options.join(", ");
    }
    match property["type"].as_str() {
        Some("array") => format!("list of {}", takes(&property["items"])),
        Some("object") => "table".into(),
        Some("string") => "text".into(),
        Some("integer") => "whole number".into(),
        Some("boolean") => "true or false".into(),
        Some(other) => text(other),
        None => "any value".into(),
    }
}

/// As code in a table's cell.
fn code(text: &str) -> String {
    format!(
        "`{}`",
        text.replace('`', "'")
            .replace('|', "\\|")
            .replace(['\n', '\r'], " ")
    )
}

/// As text in a table's cell: one line, and nothing in it is markup.
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
            "| `post-call` | mutation: it may change and refuse | `tools/call`",
            "- state: remembers which number",
            "| `action` | `\"mask\"`, `\"hash\"`, `\"tokenise\"` | `\"mask\"` |",
            "| `reveal.email` | whole number | left out |",
            "- timeout 50ms, unless the operator says otherwise",
            "digest = \"sha256:",
        ] {
            assert!(page.contains(part), "{part:?} in\n{page}");
        }
    }

    #[test]
    fn what_a_plugin_says_of_itself_is_no_markup() {
        assert_eq!(text("a|b\n<c> [d](e)"), "a\\|b \\<c> \\[d\\](e)");
        assert_eq!(code("a`b|c"), "`a'b\\|c`");
    }
}
