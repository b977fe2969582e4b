//! A report as Markdown.

use std::fmt::Write as _;

use sandgate_text::printable;

use super::{NOT_REHEARSED, Report, millis};

impl Report {
    /// The report as Markdown, one page of it.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Drill: {}\n\n", self.drill.name);
        for (name, value) in self.facts() {
            let _ = writeln!(text, "- {name}: {}", cell(&value));
        }
        text += "\n| | what was done | expected | seen | verdict | by | alert raised | after | call |\n|---|---|---|---|---|---|---|---|---|\n";
        for (n, step) in self.steps.iter().enumerate() {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | **{}** | {} | {} | {} | {} |",
                n + 1,
                cell(&step.done),
                step.expected,
                cell(&step.seen),
                step.verdict.as_str(),
                cell(&listed(&step.by, "nobody")),
                cell(&listed(&step.alerts, "none")),
                millis(step.us),
                step.call.as_deref().unwrap_or("-"),
            );
        }
        text += "\n## What to change\n\n";
        if self.advice.is_empty() {
            text += "Nothing.\n";
        }
        for one in &self.advice {
            let _ = writeln!(text, "{}\n", cell(&one.why));
            if !one.lines.is_empty() {
                let _ = writeln!(text, "```toml\n{}\n```\n", one.lines.trim_end());
            }
        }
        let _ = writeln!(text, "\n{NOT_REHEARSED}");
        text
    }
}

pub(super) fn listed(all: &[String], none: &str) -> String {
    match all.is_empty() {
        true => none.to_owned(),
        false => all.join("; "),
    }
}

/// A text as part of a line: nothing in it ends a cell, or is markup.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for character in printable(text).chars() {
        if "|<>&*`[]\\".contains(character) {
            shown.push('\\');
        }
        shown.push(character);
    }
    shown
}
