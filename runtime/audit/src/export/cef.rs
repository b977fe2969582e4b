//! ArcSight Common Event Format, version 0.

use std::fmt::Write;

use super::record::{CallRecord, Outcome};

pub(super) fn event(record: &CallRecord) -> String {
    let severity = match record.outcome {
        Outcome::Success | Outcome::Unknown => 1,
        Outcome::Failure => 3,
        Outcome::Refused => 6,
    };
    let outcome = match record.outcome {
        Outcome::Unknown => "unknown",
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Refused => "refused",
    };
    let mut text = format!(
        "CEF:0|Sandgate|Sandgate|{}|{}|{}|{severity}|",
        env!("CARGO_PKG_VERSION"),
        header(&record.method),
        header(&format!("{} {}", record.method, record.decision())),
    );
    let time = record.milliseconds().to_string();
    let sent = record.request_bytes.to_string();
    let answered = record.reply_bytes.map(|bytes| bytes.to_string());
    let took = record.us.map(|us| us.to_string());
    let rules = record.rules().join(" ");
    let refusing = record.refusing();
    let program = record.client.as_ref().map(|client| client.name.as_str());
    let fields = [
        ("rt", Some(time.as_str())),
        ("externalId", Some(&record.id)),
        ("suser", record.principal.as_deref()),
        ("requestClientApplication", program),
        ("destinationServiceName", Some(&record.server)),
        ("requestMethod", Some(&record.method)),
        ("request", record.target.as_deref()),
        ("act", Some(record.decision())),
        ("outcome", Some(outcome)),
        ("in", Some(&sent)),
        ("out", answered.as_deref()),
        ("cs1Label", refusing.map(|_| "interceptor")),
        ("cs1", refusing.map(|(name, ..)| name)),
        (
            "cs2Label",
            refusing.and_then(|(.., code)| code).map(|_| "code"),
        ),
        ("cs2", refusing.and_then(|(.., code)| code)),
        ("cs3Label", Some("rules").filter(|_| !rules.is_empty())),
        (
            "cs3",
            Some(rules.as_str()).filter(|rules| !rules.is_empty()),
        ),
        ("cn1Label", took.as_ref().map(|_| "microseconds")),
        ("cn1", took.as_deref()),
    ];
    let mut between = "";
    for (key, value) in fields {
        if let Some(value) = value {
            let _ = write!(text, "{between}{key}={}", extension(value));
            between = " ";
        }
    }
    text
}

/// A part of the header: `|` and `\` are escaped, line ends cannot stand in it.
fn header(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|");
    text.replace(['\n', '\r'], " ")
}

/// A value of the extension: `=`, `\` and line ends are escaped.
fn extension(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('=', "\\=");
    text.replace('\n', "\\n").replace('\r', "\\r")
}
