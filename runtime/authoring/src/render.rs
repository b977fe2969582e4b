//! Renders the outcome of a hook run, for people and programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use sandgate_host::PrepareError;
use sandgate_message::{Failure, Finding, Json};
use serde_json::{Map, Value, json};
use similar::{ChangeTag, TextDiff};

use sandgate_pipeline::Judged;

use super::trial::Seen;

const GONE: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// The number of unchanged lines that are shown around a change.
const AROUND: usize = 3;

/// The difference between two texts, line by line. Unchanged text far from any change is left out.
pub(super) fn difference(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            let _ = writeln!(out, "  {QUIET}…{QUIET:#}");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = printable(change.value().trim_end_matches('\n'));
            let _ = match change.tag() {
                ChangeTag::Delete => writeln!(out, "  {GONE}- {line}{GONE:#}"),
                ChangeTag::Insert => writeln!(out, "  {NEW}+ {line}{NEW:#}"),
                ChangeTag::Equal => writeln!(out, "    {line}"),
            };
        }
    }
    out
}

/// Indented JSON, with members in the document's own order if the parser keeps it.
pub(super) fn pretty(json: &Json) -> String {
    json.to::<Value>()
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| json.as_str().to_owned())
        + "\n"
}

/// The outcome for people: the decision, the change, findings, log, cost.
pub(super) fn text(seen: &Seen, before: &Json) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{STRONG}{}{STRONG:#}", headline(seen));
    match &seen.decided {
        Ok(Judged::Edit(after) | Judged::Replace(after)) => {
            out += &difference(&pretty(before), &pretty(after));
        }
        Ok(Judged::Answer(answer)) => {
            for line in pretty(answer).lines() {
                let _ = writeln!(out, "    {}", printable(line));
            }
        }
        Err(failure) => {
            out += &told(failure);
        }
        Ok(Judged::Proceed | Judged::Refuse(_)) => {}
    }
    for finding in &seen.findings {
        let _ = writeln!(out, "finding   {}", printable(&finding_line(finding)));
    }
    for line in &seen.log {
        let _ = writeln!(out, "log       {} {}", line.level, printable(&line.message));
    }
    out += &printed(seen);
    if let Some(note) = &seen.carry {
        let _ = writeln!(out, "carries   {} bytes to the post-call", note.len());
    }
    for request in &seen.unanswered {
        let _ = writeln!(out, "http      {} had no answer", printable(request));
    }
    let _ = writeln!(
        out,
        "{QUIET}took      {} µs, {} KiB of memory{QUIET:#}",
        seen.took.as_micros(),
        seen.memory >> 10
    );
    out
}

/// What the guest printed to stdout and stderr, marked as the guest's.
pub(super) fn printed(seen: &Seen) -> String {
    let mut out = String::new();
    // The detail of a failure has it already.
    let told = |failure: &Failure| failure.detail().contains("stderr:\n");
    if seen.decided.as_ref().is_err_and(told) {
        return out;
    }
    for line in seen.printed.lines() {
        let _ = writeln!(out, "printed   {}", printable(line));
    }
    out
}

fn headline(seen: &Seen) -> String {
    match &seen.decided {
        Ok(Judged::Refuse(refusal)) => {
            let at = refusal.pointer.as_ref().map(|at| format!(", at {at}"));
            printable(&format!(
                "refuse    {}: {}{}",
                refusal.code,
                refusal.message,
                at.unwrap_or_default()
            ))
        }
        Err(failure) => printable(&format!("fault     it {failure}")),
        Ok(_) => seen.word().to_owned(),
    }
}

/// A guest's frames, one for each line, and what it said: its author may read that.
pub(super) fn told(failure: &Failure) -> String {
    let mut out = String::new();
    for frame in failure.frames() {
        let _ = writeln!(out, "    at {}", printable(frame));
    }
    for line in failure.detail().lines() {
        let _ = writeln!(out, "    {}", printable(line));
    }
    out
}

fn finding_line(finding: &Finding) -> String {
    let at = finding.pointer.as_ref().map(|at| format!(" at {at}"));
    format!(
        "{} {}{}: {}",
        word(&finding.severity),
        finding.rule,
        at.unwrap_or_default(),
        finding.message
    )
}

/// The decision for programs and for the comparison with fixtures. Nothing in it depends on when or where the hook ran.
pub(super) fn decision(seen: &Seen) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("decision".into(), seen.word().into());
    if let Some(document) = seen.document() {
        // The document is a text, since its bytes are part of the decision.
        all.insert("document".into(), document.as_str().into());
    }
    match &seen.decided {
        Ok(Judged::Refuse(refusal)) => {
            let mut members = Map::new();
            members.insert("code".into(), refusal.code.as_str().into());
            members.insert("message".into(), refusal.message.as_str().into());
            if let Some(pointer) = &refusal.pointer {
                members.insert("pointer".into(), pointer.as_str().into());
            }
            if let Some(details) = &refusal.details {
                members.insert("details".into(), details.as_str().into());
            }
            if let Some(explanation) = &refusal.explanation {
                let told = serde_json::to_value(explanation).unwrap_or_default();
                members.insert("explanation".into(), told);
            }
            all.insert("refusal".into(), members.into());
        }
        Err(failure) => {
            all.insert("fault".into(), failure.kind().into());
            if let Some(kind) = failure.name() {
                all.insert("kind".into(), kind.into());
            }
            // Where a run is stopped by its deadline differs from run to run.
            let steady = !matches!(failure, Failure::Deadline { .. });
            if let Some(frame) = failure.frames().first().filter(|_| steady) {
                // The function is left out, since the line implies it.
                let place = frame.split(" in ").next().unwrap_or_default();
                all.insert("at".into(), place.into());
            }
            if let Failure::Own { detail, .. } = failure {
                all.insert("error".into(), detail.as_str().into());
            }
        }
        _ => {}
    }
    if !seen.findings.is_empty() {
        let findings = seen.findings.iter().map(finding_members);
        all.insert("findings".into(), findings.collect());
    }
    if let Some(note) = &seen.carry {
        all.insert("carry".into(), bytes_as_value(note));
    }
    all
}

/// The decision with the log and the cost.
pub(super) fn as_json(seen: &Seen) -> Value {
    let mut all = decision(seen);
    let log = seen.log.iter().map(
        |line| json!({ "level": line.level.to_string().to_lowercase(), "message": line.message }),
    );
    all.insert("log".into(), log.collect());
    all.insert("printed".into(), seen.printed.as_str().into());
    let took = u64::try_from(seen.took.as_micros()).unwrap_or(u64::MAX);
    all.insert("us".into(), took.into());
    all.insert("memory".into(), seen.memory.into());
    if let Err(failure) = &seen.decided {
        all.insert("frames".into(), failure.frames().into());
        all.insert("detail".into(), failure.detail().into());
    }
    all.into()
}

fn finding_members(finding: &Finding) -> Value {
    let mut members = Map::new();
    members.insert("rule".into(), finding.rule.as_str().into());
    members.insert("severity".into(), word(&finding.severity).into());
    members.insert("part".into(), word(&finding.part).into());
    if let Some(pointer) = &finding.pointer {
        members.insert("pointer".into(), pointer.as_str().into());
    }
    members.insert("message".into(), finding.message.as_str().into());
    if let Some(details) = &finding.details {
        members.insert("details".into(), details.as_str().into());
    }
    members.into()
}

/// Bytes of a state or a note as fixtures write them: text, a counter as its number, anything else in hexadecimal.
pub(super) fn bytes_as_value(bytes: &[u8]) -> Value {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(char::is_control)
    {
        return text.into();
    }
    if let Ok(counter) = <[u8; 8]>::try_from(bytes) {
        return i64::from_le_bytes(counter).into();
    }
    json!({ "hex": sandgate_text::hex::encode(bytes) })
}

/// A whole state, as fixtures write it.
pub(super) fn state_as_value(state: &BTreeMap<String, Vec<u8>>) -> Value {
    state
        .iter()
        .map(|(key, value)| (key.clone(), bytes_as_value(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The text without control characters, since it goes to a terminal and may come from a payload or a guest.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The error, with what is wrong with each setting, and where the plugin's own code failed.
pub(super) fn not_prepared(error: &PrepareError) -> String {
    let mut text = error.to_string();
    if let PrepareError::Settings(issues) = error {
        for issue in issues {
            let at = if issue.pointer.is_empty() {
                "settings"
            } else {
                &issue.pointer
            };
            text += &format!("\n  {at}: {}", issue.message);
        }
    }
    if let PrepareError::Configure(failure) | PrepareError::Smoke { failure, .. } = error {
        let _ = write!(text, "\n{}", told(failure).trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_went_and_what_came_with_a_little_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n";
        let plain = anstream::adapter::strip_str(&difference(before, after)).to_string();
        assert_eq!(
            plain,
            "    2\n    3\n    4\n  - 5\n  + five\n    6\n    7\n    8\n"
        );
    }

    #[test]
    fn bytes_are_written_as_what_they_most_likely_are() {
        assert_eq!(bytes_as_value(b"abc"), json!("abc"));
        assert_eq!(bytes_as_value(&3_i64.to_le_bytes()), json!(3));
        assert_eq!(bytes_as_value(&[0, 0xff]), json!({"hex": "00ff"}));
    }
}
