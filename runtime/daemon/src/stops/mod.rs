//! The operator's stops: kept in a file, in force in the gateway, ended when their time is over.

mod file;
mod keeper;
mod known;

use std::time::{Duration, SystemTime};

use sandgate_gateway::{Stop, StopKind};
use sandgate_text::{grid, printable, time};
use serde::{Deserialize, Serialize};

pub(crate) use file::StopsFile;
pub use file::StopsFileError;
pub(crate) use keeper::{StopKeeper, StopRequest};

/// A stop, as it is told and kept. Times are RFC 3339, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopStatus {
    /// What it is about.
    pub kind: StopKind,
    /// The name of what is stopped.
    pub name: String,
    /// Why, in the operator's words.
    pub why: String,
    /// The number of the user who stopped it.
    pub by: u32,
    /// When it was stopped.
    pub since: String,
    /// When the stop ends by itself. `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What came of `sandgate stop` or `sandgate resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StopReport {
    /// The stop that is in force now, or was until now.
    pub stop: StopStatus,
    /// Whether it was a stop. `false`: it was lifted.
    pub stopped: bool,
    /// The number of sessions that were ended.
    pub sessions: usize,
    /// Microseconds until it was in force everywhere.
    pub us: u64,
    /// What the operator must know of the name, although the stop is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What is not as it should be: the stop is not kept, or calls have not noticed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

impl From<&Stop> for StopStatus {
    fn from(stop: &Stop) -> Self {
        Self {
            kind: stop.kind,
            name: stop.name.to_string(),
            why: stop.why.to_string(),
            by: stop.by,
            since: time(stop.since),
            // Rounded up: read again, the stop is not shorter.
            until: stop
                .until
                .map(|until| time(until + Duration::from_millis(999))),
        }
    }
}

impl StopStatus {
    /// The stop, if its times are times.
    pub(crate) fn read(&self) -> Option<Stop> {
        let at = |text: &str| humantime::parse_rfc3339(text).ok();
        Some(Stop {
            kind: self.kind,
            name: self.name.as_str().into(),
            why: self.why.as_str().into(),
            by: self.by,
            since: at(&self.since)?,
            until: match &self.until {
                Some(until) => Some(at(until)?),
                None => None,
            },
        })
    }

    /// Stops as text for people, in columns.
    pub fn table(all: &[Self]) -> String {
        let head = ["stopped", "name", "since", "until", "by", "why"];
        let head = head.iter().map(|&word| word.to_owned()).collect();
        let rows = all.iter().map(|one| {
            vec![
                one.kind.as_str().to_owned(),
                one.name.clone(),
                one.since.clone(),
                one.until.clone().unwrap_or_else(|| "resumed".to_owned()),
                format!("user {}", one.by),
                one.why.clone(),
            ]
        });
        let mut text = String::new();
        grid(std::iter::once(head).chain(rows).collect(), &mut text);
        text
    }
}

impl StopReport {
    /// The report as text for people: what is so, and what is not as it should be.
    pub fn text(&self) -> (String, String) {
        let Self {
            stop,
            stopped,
            sessions,
            us,
            note,
            doubts,
        } = self;
        let what = format!("{} {}", stop.kind.as_str(), printable(&stop.name));
        let mut text = match (stopped, &stop.until) {
            (false, _) => format!("{what} is resumed"),
            (true, None) => format!("{what} is stopped until it is resumed"),
            (true, Some(until)) => format!("{what} is stopped until {until}"),
        };
        text += &format!(", in force after {}.{:03} ms", us / 1000, us % 1000);
        if *sessions > 0 {
            text += &format!("; {sessions} sessions were ended");
        }
        text.push('\n');
        if let Some(note) = note {
            text += &format!("{}\n", printable(note));
        }
        let doubts: Vec<_> = doubts.iter().map(|one| printable(one)).collect();
        (text, doubts.join("\n"))
    }
}

/// How long a stop still lasts. A clock that was set back does not make it longer than it was meant to be.
pub(crate) fn left(stop: &Stop, now: SystemTime) -> Option<Duration> {
    let until = stop.until?;
    let meant = until.duration_since(stop.since).unwrap_or_default();
    Some(until.duration_since(now).unwrap_or_default().min(meant))
}

#[cfg(test)]
mod tests;
