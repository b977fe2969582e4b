//! The shapes of messages: JSON for webhooks, Slack and Alertmanager, RFC 5424 for syslog.

use std::time::{Duration, SystemTime};

use sandgate_telemetry::syslog;
use serde_json::{Map, Value, json};

use crate::notice::{Notice, NoticeStatus};

/// How long an Alertmanager takes an alert to last if it hears no more of it. It hears of it each minute.
const KNOWN_FOR: Duration = Duration::from_secs(4 * 60);
/// The longest message of syslog, in bytes: what every receiver takes (RFC 5424, 6.1).
const MAX_SYSLOG: usize = 2048;

/// The body of a webhook.
pub(crate) fn webhook(rule: &str, notice: &Notice) -> String {
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            data.insert(key.to_owned(), value);
        }
    };
    put("alert", rule.into());
    put("alert_id", notice.id.as_str().into());
    put("status", notice.status.as_str().into());
    put("kind", notice.kind.as_str().into());
    put("code", json!(notice.code));
    put("subject", notice.subject.as_str().into());
    put("server", json!(notice.server));
    put("client", json!(notice.client));
    put("tool", json!(notice.tool));
    put("call", json!(notice.call));
    put("detail", json!(notice.detail));
    put("count", notice.count.into());
    put("more", notice.more.into());
    put("since", rfc3339(notice.since).into());
    put("summary", notice.line(rule).into());
    json!({
        "type": format!("alert.{}", notice.status.as_str()),
        "timestamp": rfc3339(notice.at),
        "data": data,
    })
    .to_string()
}

/// The body for an incoming webhook of Slack. `None`: it is not told that what happened once is over.
pub(crate) fn slack(rule: &str, notice: &Notice) -> Option<String> {
    if notice.is_mere_end() {
        return None;
    }
    // Slack asks for these three to be escaped; without them nothing is a mention, a channel or a link with a text. What
    // begins like an address could still be made one.
    let text = notice
        .line(rule)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace("://", ":\u{200b}//");
    let body = json!({
        "text": text, "parse": "none", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false, "link_names": false,
    });
    Some(body.to_string())
}

/// The body for an Alertmanager.
pub(crate) fn alertmanager(rule: &str, notice: &Notice) -> String {
    let mut labels = Map::new();
    let mut label = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            labels.insert(key.to_owned(), value.into());
        }
    };
    label("alertname", Some(rule));
    label("source", Some("sandgate"));
    label("instance", Some(&syslog::host()));
    label("kind", Some(notice.kind.as_str()));
    label("code", notice.code.as_deref());
    label("subject", Some(&notice.subject));
    if notice.status == NoticeStatus::Test {
        label("test", Some("true"));
    }
    let mut annotations = Map::new();
    annotations.insert("summary".into(), notice.line(rule).into());
    annotations.insert("alert_id".into(), notice.id.as_str().into());
    for (key, value) in [
        ("server", &notice.server),
        ("client", &notice.client),
        ("tool", &notice.tool),
        ("call", &notice.call),
    ] {
        if let Some(value) = value {
            annotations.insert(key.into(), value.as_str().into());
        }
    }
    let ends = match notice.status {
        NoticeStatus::Resolved => notice.at,
        _ => notice.at + KNOWN_FOR,
    };
    json!([{
        "labels": labels, "annotations": annotations,
        "startsAt": rfc3339(notice.since), "endsAt": rfc3339(ends),
    }])
    .to_string()
}

/// A message of syslog (RFC 5424). `None`: it is not told that what happened once is over.
pub(crate) fn syslog(rule: &str, notice: &Notice) -> Option<String> {
    if notice.is_mere_end() {
        return None;
    }
    // Warning, or informational where it is over or a test.
    let severity = match notice.status {
        NoticeStatus::Firing | NoticeStatus::Lasting => 4,
        NoticeStatus::Resolved | NoticeStatus::Test => 6,
    };
    let id = notice.status.as_str();
    let mut text = syslog::message(syslog::LOCAL0, severity, notice.at, id, &notice.line(rule));
    text.truncate(text.floor_char_boundary(MAX_SYSLOG));
    Some(text)
}

impl Notice {
    /// Whether it says no more than that what happened once is over.
    fn is_mere_end(&self) -> bool {
        use sandgate_config::AlertKind::{Audit, Stop};
        self.status == NoticeStatus::Resolved
            && self.more == 0
            && !matches!(self.kind, Stop | Audit)
    }
}

fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at.max(SystemTime::UNIX_EPOCH)).to_string()
}

#[cfg(test)]
mod tests;
