//! Writes the imported configuration.

use std::fmt::Write;

use toml_edit::{Key, Value};

use crate::Import;
use crate::entry::{Imported, Worth};

/// The whole file.
pub(super) fn configuration(import: &Import) -> String {
    let mut text = String::new();
    for file in &import.files {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        comment(
            &mut text,
            &format!(
                "Made by `sandgate import` of {name} ({}).",
                file.client.title()
            ),
        );
    }
    comment(
        &mut text,
        "A server sees PATH and what its `env` says, nothing else of the gateway's environment.",
    );
    let mut variables = import.variables.iter().peekable();
    if variables.peek().is_some() {
        comment(&mut text, "");
        comment(
            &mut text,
            "To be set in the gateway's environment (or write { from-file = \"path\" } in place of { from-env = … }):",
        );
        for (name, what) in variables {
            comment(&mut text, &format!("  {name}: {what}"));
        }
    }
    for server in &import.servers {
        text.push('\n');
        text.push_str(&self::server(server));
    }
    if !import.left_out.is_empty() {
        text.push('\n');
        comment(&mut text, "Not taken over:");
        for left_out in &import.left_out {
            comment(
                &mut text,
                &format!("  {:?}: {}", left_out.name, left_out.why),
            );
        }
    }
    text
}

/// A server's table. A server that is switched off is written as a comment.
pub(super) fn server(server: &Imported) -> String {
    let mut table = format!("[servers.{}]\n", key(&server.name));
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{name} = {value}");
    };
    if let Some(command) = &server.command {
        line("command", quoted(command));
    }
    if !server.args.is_empty() {
        let args: Vec<_> = server.args.iter().map(|arg| quoted(arg)).collect();
        line("args", format!("[{}]", args.join(", ")));
    }
    if let Some(cwd) = &server.cwd {
        line("cwd", quoted(cwd));
    }
    if let Some(url) = &server.url {
        line("url", quoted(url));
    }
    for (name, values) in [("env", &server.env), ("headers", &server.headers)] {
        if !values.is_empty() {
            let values: Vec<_> = values
                .iter()
                .map(|(name, worth)| format!("{} = {}", key(name), given(worth)))
                .collect();
            line(name, format!("{{ {} }}", values.join(", ")));
        }
    }
    let mut text = String::new();
    for note in &server.notes {
        comment(&mut text, note);
    }
    if server.disabled {
        comment(
            &mut text,
            "Switched off in the client's file. Without the marks before its lines it is on:",
        );
        for line in table.lines() {
            comment(&mut text, line);
        }
    } else {
        text.push_str(&table);
    }
    text
}

fn given(worth: &Worth) -> String {
    match worth {
        Worth::Text(text) => quoted(text),
        Worth::Env(name) => format!("{{ from-env = {} }}", quoted(name)),
        Worth::File(path) => format!("{{ from-file = {} }}", quoted(path)),
    }
}

/// The text quoted on one line, whatever it holds.
fn quoted(text: &str) -> String {
    let plain = Value::from(text).to_string();
    match plain.contains('\n') || plain.starts_with("\"\"\"") || plain.starts_with("'''") {
        // TOML's basic strings have the same escapes as JSON's.
        true => serde_json::Value::from(text).to_string(),
        false => plain,
    }
}

fn key(name: &str) -> String {
    Key::new(name).to_string()
}

fn comment(text: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = format!("# {line}");
    text.push_str(line.trim_end());
    text.push('\n');
}
