//! Who watches what the call log records, and wakes somebody; and what is recorded of that.

use std::fmt;
use std::time::SystemTime;

use sandgate_egress::Connection;
use sandgate_gateway::{Ended, StopKind};
use sandgate_text::escape;
use serde::Serialize;

use super::CallLogWriter;

/// Watches records. The methods run on the path of every call: they neither block nor fail. Each returns the alerts that the
/// record has raised.
pub trait RecordWatcher: Send + Sync {
    /// A call has ended.
    fn ended(&self, record: &Ended<'_>) -> Vec<AlertRecord>;
    /// A connection of a contained server has ended.
    fn connection(&self, connection: &Connection) -> Vec<AlertRecord>;
    /// The operator has stopped something (`Some`: why), or resumed it.
    fn stop(&self, kind: StopKind, name: &str, why: Option<&str>) -> Vec<AlertRecord>;
    /// The figures of each rule.
    fn figures(&self) -> Vec<AlertFigures>;
}

/// The figures of one rule since it is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFigures {
    /// The rule's name.
    pub alert: String,
    /// The alerts that last.
    pub firing: usize,
    /// Messages that the receiver took.
    pub sent: u64,
    /// Messages that it did not take, however often it was tried.
    pub failed: u64,
    /// Messages that found no room to wait in.
    pub dropped: u64,
}

/// What the call log has of an alert. Its keys are in the order in which people read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRecord {
    /// Always `alert`.
    pub record: &'static str,
    /// When it was recorded (RFC 3339).
    pub time: String,
    /// The rule's name.
    pub alert: String,
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// The alert's own id: one from its beginning to its end.
    pub alert_id: String,
    /// What it is about.
    pub kind: &'static str,
    /// The code, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whom it is counted against.
    pub subject: String,
    /// The call that raised it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// How many there were within the rule's time when it was raised.
    pub count: u64,
    /// How many came after that.
    pub more: u64,
}

impl AlertRecord {
    /// The record of an alert of this rule at this moment; the rest is filled in.
    pub fn new(alert: &str, status: &'static str, at: SystemTime) -> Self {
        Self {
            record: "alert",
            time: humantime::format_rfc3339_micros(at.max(SystemTime::UNIX_EPOCH)).to_string(),
            alert: alert.to_owned(),
            status,
            alert_id: String::new(),
            kind: "",
            code: None,
            subject: String::new(),
            call: None,
            count: 0,
            more: 0,
        }
    }
}

impl CallLogWriter {
    /// Has these records watched from now on. Only the first call counts.
    pub fn watched_by(&self, watcher: std::sync::Arc<dyn RecordWatcher>) {
        let _ = self.watcher.0.set(watcher);
    }

    /// Records alerts. That this cannot be written is counted and told like that of a call's record.
    pub fn alerts(&self, alerts: Vec<AlertRecord>) {
        for alert in alerts {
            if let Ok(text) = serde_json::to_string(&alert) {
                let _ = self.put(&(escape::json(&text).into_owned() + "\n"));
            }
        }
    }

    /// Tells the watcher that the operator has stopped something (`Some`: why), or resumed it.
    pub fn stop_changed(&self, kind: StopKind, name: &str, why: Option<&str>) {
        self.watched(|watcher| watcher.stop(kind, name, why));
    }

    pub(super) fn watched(&self, told: impl FnOnce(&dyn RecordWatcher) -> Vec<AlertRecord>) {
        if let Some(watcher) = self.watcher.0.get() {
            self.alerts(told(&**watcher));
        }
    }
}

/// The watcher, once there is one.
#[derive(Default)]
pub(super) struct Watched(std::sync::OnceLock<std::sync::Arc<dyn RecordWatcher>>);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}
