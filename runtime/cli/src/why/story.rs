//! The story of a call: its records as people read them.

use std::fmt::Write;

use sandgate_daemon::candidate::CandidateResult;
use sandgate_daemon::digest::short;
use sandgate_telemetry::call_log::record::{Entry, Kind, Record, RefusedBy};
use sandgate_text::printable;
use serde_json::Value;
use serde_json::value::RawValue;

use super::paste::Written;
use super::reason::{self, FindingDetails};

/// The most lines shown of one payload.
const MAX_LINES: usize = 200;

/// The story from the records, oldest first, and from what candidates made of the call. Empty without records.
pub(super) fn story(
    records: &[Record],
    tried: &[CandidateResult],
    written: Option<&Written>,
) -> String {
    let forwarded = records.iter().find(|one| one.record == Kind::Forwarded);
    let ended = records.iter().find(|one| one.record == Kind::Ended);
    let Some(known) = ended.or(forwarded) else {
        return String::new();
    };
    let mut text = String::new();
    line(
        &mut text,
        "call",
        format!("{}: {}", known.id, outcome(ended)),
    );
    let target = known.target.as_ref().map(|target| format!(" {target}"));
    line(
        &mut text,
        "asked",
        format!(
            "{}{} of {} ({})",
            known.method,
            target.unwrap_or_default(),
            known.server,
            known.direction
        ),
    );
    line(&mut text, "by", who(known));
    if let Some(ended) = ended {
        line(
            &mut text,
            "under",
            format!("version {} of the configuration", ended.trail.version),
        );
        hooks(&mut text, "on the way in", "pre-call", ended, written);
    }
    sent(&mut text, forwarded, ended);
    if let Some(ended) = ended {
        hooks(&mut text, "on the way back", "post-call", ended, written);
        came_back(&mut text, ended);
    }
    if !tried.is_empty() {
        text.push_str("tried beside, without effect\n");
        for one in tried {
            let _ = writeln!(text, "{}", one.text());
        }
    }
    if let Some(ended) = ended {
        took(&mut text, ended);
    }
    text
}

fn line(text: &mut String, key: &str, value: String) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{key:<11}{}", printable(&value));
}

fn outcome(ended: Option<&Record>) -> String {
    let Some(ended) = ended else {
        return "forwarded, and no end is known".into();
    };
    let entries = || ended.trail.entries.iter();
    let stopped = entries()
        .find(|entry| entry.applied && matches!(entry.decision.as_str(), "refuse" | "fault"));
    match (ended.decision.as_deref().unwrap_or_default(), stopped) {
        ("refused", Some(entry)) => {
            let cause = match entry.decision.as_str() {
                "fault" => "stopped, since an interceptor failed:",
                _ => "refused by",
            };
            let when = match (entry.hook.as_str(), ended.server_us) {
                ("pre-call", _) => "before it was sent",
                (_, Some(_)) => "when the reply came: the call was carried out, the reply withheld",
                (_, None) => "when its answer came: nothing was sent",
            };
            format!("{cause} {}, {when}", entry.interceptor)
        }
        ("refused", None) => match &ended.refused_by {
            Some(rule) => by_rule(rule),
            None => "refused".into(),
        },
        ("answered", _) => {
            let by = entries().find(|entry| entry.applied && entry.decision == "answer");
            let by = by.map_or("an interceptor", |entry| &entry.interceptor);
            format!("answered by {by}; the server was not asked")
        }
        ("forwarded", _) if ended.failed => "carried out; the answer is an error".into(),
        ("forwarded", _) => {
            let changed = entries().any(|entry| {
                entry.applied && matches!(entry.decision.as_str(), "edit" | "replace")
            });
            match changed {
                true => "carried out, changed on the way".into(),
                false => "carried out".into(),
            }
        }
        ("failed", _) => "failed: the server could not be reached, or gave no usable answer".into(),
        ("overloaded", _) => match ended.server_us {
            None => "turned away: the gateway had too much to do; nothing was sent".into(),
            Some(_) => "withheld: the gateway had too much to do; the call was carried out".into(),
        },
        ("cancelled", _) => "cancelled: the asker went away before there was an answer".into(),
        (other, _) => other.to_owned(),
    }
}

fn by_rule(rule: &RefusedBy) -> String {
    let RefusedBy {
        code,
        view,
        pattern,
        stopped,
        why,
    } = rule;
    if let Some(name) = stopped {
        let what = code.strip_prefix("stop.").unwrap_or_default();
        let why = why.as_ref().map(|why| format!(", since: {why}"));
        return format!(
            "refused: the operator has stopped {what} {name} ({code}){}",
            why.unwrap_or_default()
        );
    }
    match (view, pattern) {
        (None, pattern) if code == "scope.missing" => {
            let needed = match pattern {
                Some(pattern) => format!("which {pattern:?} asks for in [authorization.scopes]"),
                None => "that every token needs".to_owned(),
            };
            format!(
                "refused: the caller's token lacks a scope {needed} ({code}); the caller was told which scopes to ask for"
            )
        }
        (Some(view), Some(pattern)) => format!(
            "refused by view {view}, which denies {pattern:?} ({code}); the caller was told that there is no such thing"
        ),
        _ if code == "secrets.value" => {
            format!("refused: it holds a value that the gateway keeps for a server ({code})")
        }
        _ => format!(
            "refused: no view of the caller allows it ({code}); the caller was told that there is no such thing"
        ),
    }
}

fn who(record: &Record) -> String {
    let mut parts = Vec::new();
    if let Some(principal) = &record.principal {
        parts.push(match &record.issuer {
            Some(issuer) => format!("{principal} (by a token of {issuer})"),
            None => principal.clone(),
        });
    }
    match &record.client {
        Some(client) => parts.push(match &client.version {
            Some(version) => format!("{} {version}", client.name),
            None => client.name.clone(),
        }),
        None => parts.push("a client that did not say its name".into()),
    }
    parts.push(format!("{} era", record.era));
    if let Some(session) = &record.session {
        parts.push(format!("session {session}"));
    }
    parts.join(", ")
}

fn hooks(text: &mut String, heading: &str, hook: &str, ended: &Record, written: Option<&Written>) {
    let entries: Vec<&Entry> = ended
        .trail
        .entries
        .iter()
        .filter(|entry| entry.hook == hook)
        .collect();
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "{heading}");
    let lengths = entries.iter().map(|one| one.interceptor.chars().count());
    let width = lengths.max().unwrap_or(0);
    for entry in entries {
        let _ = writeln!(
            text,
            "  {:<width$}  {}, {}  {}",
            printable(&entry.interceptor),
            printable(&decided(entry)),
            time(entry.us),
            short(&entry.digest),
        );
        reason::lines(
            text,
            &entry.interceptor,
            entry.pointer.as_deref(),
            entry.explanation.as_ref(),
            written,
        );
        if let Some(fault) = &entry.fault {
            let _ = writeln!(text, "    {}", printable(&fault.kind));
            for frame in &fault.frames {
                let _ = writeln!(text, "      at {}", printable(frame));
            }
        }
        for finding in &entry.findings {
            let at = finding.pointer.as_deref().unwrap_or_default();
            let said = format!(
                "{} {} ({}{}): {}",
                finding.severity,
                finding.rule,
                finding.part,
                match at {
                    "" => String::new(),
                    at => format!(" {at}"),
                },
                finding.message
            );
            let _ = writeln!(text, "    {}", printable(&said));
            let told = FindingDetails::of(finding.details.as_deref());
            reason::lines(
                text,
                &entry.interceptor,
                told.places().as_deref(),
                told.explanation.as_ref(),
                written,
            );
        }
    }
}

fn decided(entry: &Entry) -> String {
    let detail = entry.code.as_deref().or(entry.failure.as_deref());
    let detail = detail.map(|detail| format!(" ({detail})"));
    let what = format!("{}{}", entry.decision, detail.unwrap_or_default());
    match (entry.decision.as_str(), entry.applied) {
        ("proceed", _) => what,
        (_, true) => format!("{what}, applied"),
        (_, false) if entry.mode == "audit" => format!("{what}, not applied: in audit"),
        ("fault", false) => format!("{what}, let through"),
        (_, false) => format!("{what}, not applied"),
    }
}

fn sent(text: &mut String, forwarded: Option<&Record>, ended: Option<&Record>) {
    let record = forwarded.or(ended);
    let went = forwarded.is_some() || ended.is_some_and(|ended| ended.server_us.is_some());
    let value = match (went, record) {
        (true, Some(record)) => {
            let at = forwarded.map(|forwarded| format!(" at {}", forwarded.time));
            format!("{} bytes{}", record.request_bytes, at.unwrap_or_default())
        }
        (_, Some(record)) => format!("nothing; {} bytes were asked", record.request_bytes),
        (_, None) => return,
    };
    line(text, "sent", value);
    content(
        text,
        forwarded.and_then(|one| one.params.as_deref()),
        record.is_some_and(|one| one.too_large),
    );
}

fn came_back(text: &mut String, ended: &Record) {
    let value = match (ended.reply_bytes, ended.failed) {
        (Some(bytes), true) => format!("{bytes} bytes, an error"),
        (Some(bytes), false) => format!("{bytes} bytes"),
        (None, _) => "nothing".into(),
    };
    line(text, "came back", value);
    content(text, ended.reply.as_deref(), ended.too_large);
}

fn took(text: &mut String, ended: &Record) {
    let Some(all) = ended.us else {
        return;
    };
    let value = match ended.server_us {
        Some(server) => format!(
            "{} in all, {} of it the server's; ended at {}",
            time(all),
            time(server),
            ended.time
        ),
        None => format!("{} in all; ended at {}", time(all), ended.time),
    };
    line(text, "took", value);
}

/// Appends a recorded payload, as it was after every interceptor.
fn content(text: &mut String, payload: Option<&RawValue>, too_large: bool) {
    match payload {
        Some(payload) => {
            let shown = pretty(payload);
            for line in shown.lines().take(MAX_LINES) {
                let _ = writeln!(text, "  {}", printable(line));
            }
            let count = shown.lines().count();
            if count > MAX_LINES {
                let _ = writeln!(text, "  ({} more lines: --json)", count - MAX_LINES);
            }
        }
        None if too_large => {
            let _ = writeln!(text, "  (too large to be remembered; the call log has it)");
        }
        None => {}
    }
}

/// Indents JSON for people. Numbers may be spelt differently from the original.
fn pretty(json: &RawValue) -> String {
    let value: Result<Value, _> = serde_json::from_str(json.get());
    value.map_or_else(|_| json.get().to_owned(), |value| format!("{value:#}\n"))
}

fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn ended(more: Value) -> Record {
        let mut record = json!({
            "record": "ended", "time": "2026-11-22T10:00:00.5Z", "id": "0a11", "era": "modern",
            "direction": "client-to-server", "server": "crm", "method": "tools/call", "target": "look\u{1b}up",
            "request_bytes": 10, "us": 1500, "trail": { "version": 3, "entries": [] },
        });
        let members = more.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(members);
        serde_json::from_value(record).unwrap()
    }

    fn entry(name: &str, hook: &str, decision: &str, more: Value) -> Value {
        let mut entry = json!({
            "interceptor": name, "digest": "sha256:0123456789abcdef", "hook": hook, "mode": "active",
            "decision": decision, "applied": decision != "proceed", "us": 42,
        });
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    }

    #[test]
    fn everything_that_is_known_is_told_and_no_terminal_obeys_it() {
        let finding = json!({ "rule": "pii.email", "severity": "warn", "part": "reply", "pointer": "/content/0/text", "message": "an address" });
        let record = ended(json!({
            "decision": "forwarded", "reply_bytes": 20, "server_us": 900,
            "client": { "name": "claude", "version": "2" }, "session": "5e55", "principal": "alice",
            "reply": { "text": "[email]" },
            "trail": { "version": 3, "entries": [
                entry("allow", "pre-call", "proceed", json!({})),
                entry("guard", "pre-call", "refuse", json!({ "mode": "audit", "applied": false, "code": "x.y",
                    "pointer": "/arguments/p\u{1b}",
                    "explanation": { "rule": "two\u{1b} dots", "role": "path", "setting": "/traversal", "value": "record" } })),
                entry("slow", "pre-call", "fault", json!({ "applied": false, "failure": "deadline" })),
                entry("count", "pre-call", "fault", json!({ "failure": "own-error",
                    "fault": { "kind": "ValueError", "frames": ["plugin.py:12 in sum\u{1b}", "plugin.py:7 in count"] } })),
                entry("scrub", "post-call", "edit", json!({ "findings": [finding] })),
            ] },
        }));
        let expected = "\
call       0a11: carried out, changed on the way
asked      tools/call look\u{fffd}up of crm (client-to-server)
by         alice, claude 2, modern era, session 5e55
under      version 3 of the configuration
on the way in
  allow  proceed, 42 µs  sha256:0123456789ab
  guard  refuse (x.y), not applied: in audit, 42 µs  sha256:0123456789ab
    matched     two\u{fffd} dots
    at          /arguments/p\u{fffd}
    taken for   path
    decided by  settings/traversal
    allowed by  \"record\" there
  slow   fault (deadline), let through, 42 µs  sha256:0123456789ab
  count  fault (own-error), applied, 42 µs  sha256:0123456789ab
    ValueError
      at plugin.py:12 in sum\u{fffd}
      at plugin.py:7 in count
sent       10 bytes
on the way back
  scrub  edit, applied, 42 µs  sha256:0123456789ab
    warn pii.email (reply /content/0/text): an address
came back  20 bytes
  {
    \"text\": \"[email]\"
  }
tried beside, without effect
  candidate of scrub  post-call refuse (pii.email), differs from the live one's edit in its decision  sha256:fedcba987654
took       1.5 ms in all, 900 µs of it the server's; ended at 2026-11-22T10:00:00.5Z
";
        let tried = json!({
            "record": "candidate", "time": "2026-11-22T10:00:01Z", "id": "0a11", "interceptor": "scrub",
            "digest": "sha256:fedcba9876543210", "hook": "post-call", "live": "edit", "candidate": "refuse",
            "differs_in": "decision", "code": "pii.email",
        });
        let tried = serde_json::from_value(tried).unwrap();
        assert_eq!(story(&[record], &[tried], None), expected);
    }

    #[test]
    fn the_first_line_says_what_became_of_it() {
        let of = |more: Value| outcome(Some(&ended(more)));
        let trail = |entry: Value| json!({ "version": 1, "entries": [entry] });
        let refused = |hook: &str, decision: &str, server: Value| {
            of(
                json!({ "decision": "refused", "server_us": server, "trail": trail(entry("p", hook, decision, json!({}))) }),
            )
        };
        let null = Value::Null;
        assert_eq!(
            refused("pre-call", "refuse", null.clone()),
            "refused by p, before it was sent"
        );
        assert!(
            refused("pre-call", "fault", null.clone())
                .starts_with("stopped, since an interceptor failed: p")
        );
        assert!(refused("post-call", "refuse", json!(5)).contains("the call was carried out"));
        assert!(refused("post-call", "refuse", null.clone()).contains("nothing was sent"));
        let answer = trail(entry("cache", "pre-call", "answer", json!({})));
        assert!(of(json!({ "decision": "answered", "trail": answer })).contains("by cache"));
        assert!(of(json!({ "decision": "forwarded", "failed": true })).contains("error"));
        assert!(of(json!({ "decision": "cancelled" })).contains("went away"));
        let overloaded = |server| of(json!({ "decision": "overloaded", "server_us": server }));
        assert!(overloaded(null.clone()).contains("nothing was sent"));
        assert!(overloaded(json!(5)).contains("carried out"));
        assert!(outcome(None).contains("no end is known"));
        let ruled = |rule| of(json!({ "decision": "refused", "refused_by": rule }));
        let denied = json!({ "code": "view.denied", "view": "support", "pattern": "crm/delete_*" });
        assert!(
            ruled(denied).starts_with("refused by view support, which denies \"crm/delete_*\"")
        );
        assert!(ruled(json!({ "code": "view.not-allowed" })).contains("no view of the caller"));
    }

    #[test]
    fn times_are_read_at_a_glance() {
        assert_eq!(
            (time(7), time(1_250), time(2_340_000)),
            ("7 µs".into(), "1.2 ms".into(), "2.3 s".into())
        );
    }
}
