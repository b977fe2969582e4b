//! A log line that does not come from tracing. It looks like those that do.

use std::time::SystemTime;

use sandgate_config::{DescribedIssue, IssueDetails, Severity};
use sandgate_text::escape;
use serde::Serialize;
use tracing::Level;

use super::LogFormat;

/// The target of these lines, where tracing's events name their module.
const TARGET: &str = "sandgate";

/// An event that can be written in either format.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: String,
    #[serde(flatten)]
    details: Option<&'a IssueDetails>,
    target: &'static str,
}

impl<'a> Line<'a> {
    /// A line of a text, without the text's colours.
    pub(super) fn new(level: Level, text: &str) -> Self {
        let message = anstream::adapter::strip_str(text).to_string();
        Self {
            timestamp: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            level: level.as_str(),
            message: message.trim_end().to_owned(),
            details: None,
            target: TARGET,
        }
    }

    /// A line of an issue of the configuration.
    pub(super) fn of_issue(issue: &'a DescribedIssue) -> Self {
        let level = match issue.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARN,
            Severity::Note => Level::INFO,
        };
        Self {
            details: Some(&issue.details),
            ..Self::new(level, &issue.message)
        }
    }

    /// The line in this format, with its line end.
    pub(super) fn written(&self, format: LogFormat) -> String {
        match format {
            LogFormat::Json => String::from_utf8(self.json()).unwrap_or_default(),
            LogFormat::Text => {
                let (time, level, message) = (&self.timestamp, self.level, &self.message);
                let text = format!("{time} {level:>5} {TARGET}: {message}\n");
                escape::event(&text, false).into_owned()
            }
        }
    }

    /// The line as JSON, with its line end.
    pub(super) fn json(&self) -> Vec<u8> {
        let text = serde_json::to_string(self).unwrap_or_default();
        let mut line = escape::json(&text).into_owned().into_bytes();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_one_event_in_either_format() {
        let line = Line::new(Level::WARN, "\u{1b}[1mone\u{1b}[0m\ntwo\n");
        let text = line.written(LogFormat::Text);
        assert!(
            text.ends_with("  WARN sandgate: one\n    two\n"),
            "{text:?}"
        );
        let json: serde_json::Value = serde_json::from_slice(&line.json()).unwrap();
        assert_eq!(
            (&json["level"], &json["message"]),
            (&"WARN".into(), &"one\ntwo".into())
        );
    }
}
