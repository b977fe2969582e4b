//! A connection, as the call log tells it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sandgate_egress::Reason;
use sandgate_telemetry::call_log::search::{self, SearchError};
use sandgate_text::printable;
use serde::Deserialize;

/// A connection of a contained server. Unknown members are ignored, so that an older program reads a newer log.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    record: String,
    time: String,
    id: String,
    pub(crate) server: String,
    #[serde(default)]
    pub(super) host: Option<String>,
    #[serde(default)]
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) address: Option<String>,
    pub(super) verdict: String,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    sni: Option<String>,
    #[serde(default)]
    pub(super) up_bytes: u64,
    #[serde(default)]
    pub(super) down_bytes: u64,
    #[serde(default)]
    us: u64,
    /// Refused ones before this one that have no line.
    #[serde(default)]
    pub(super) left_out: u64,
    /// The line itself.
    #[serde(skip)]
    pub(crate) line: String,
}

impl Made {
    /// Reads a line; `None`: it is about no connection.
    pub(crate) fn of(line: &str) -> Option<Self> {
        let made: Self = serde_json::from_str(line).ok()?;
        let known = matches!(made.record.as_str(), "egress-opened" | "egress-ended");
        known.then(|| Self {
            line: line.to_owned(),
            ..made
        })
    }

    /// The connections of a server in a call log and, with `rotated`, its rotated files; each once.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(crate) fn in_file(
        file: &Path,
        rotated: bool,
        server: &str,
    ) -> Result<Vec<Self>, SearchError> {
        let mut found = BTreeMap::<String, Self>::new();
        for file in search::files(file, rotated) {
            search::lines(&file, b"\"record\":\"egress-", |line| {
                let Some(made) = Self::of(line).filter(|made| made.server == server) else {
                    return;
                };
                let known = found.get(&made.id);
                if known.is_none_or(|known| known.record != "egress-ended") {
                    found.insert(made.id.clone(), made);
                }
            })?;
        }
        let mut found: Vec<Self> = found.into_values().collect();
        found.sort_by(|one, other| one.time.cmp(&other.time));
        Ok(found)
    }

    /// When it ended; `None`: it is open.
    pub(crate) fn ended(&self) -> Option<SystemTime> {
        let time = humantime::parse_rfc3339(&self.time).ok();
        time.filter(|_| self.record == "egress-ended")
    }

    /// Whether it was open in a period.
    pub(crate) fn meets(&self, from: SystemTime, to: SystemTime) -> bool {
        let Ok(time) = humantime::parse_rfc3339(&self.time) else {
            return false;
        };
        let began = time.checked_sub(Duration::from_micros(self.us));
        began.is_some_and(|began| began <= to) && self.ended().is_none_or(|ended| ended >= from)
    }

    /// What it asked for.
    pub(super) fn target(&self) -> String {
        match (&self.host, self.port) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => "(no host)".into(),
        }
    }

    /// Whether it was let through.
    pub(super) fn let_through(&self) -> bool {
        matches!(self.verdict.as_str(), "allowed" | "audited")
    }
}

/// The most lines that are shown.
const LINES: usize = 50;

/// Connections as lines for people; equal ones share a line.
pub(crate) fn shown(made: &[Made]) -> String {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for line in made.iter().map(line) {
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    let more = lines.len().saturating_sub(LINES);
    let mut text: String = lines
        .into_iter()
        .take(LINES)
        .map(|(line, count)| match count {
            1 => format!("  {line}\n"),
            _ => format!("  {line} ({count} of them)\n"),
        })
        .collect();
    if more > 0 {
        text += &format!("  and {more} more: --json shows them\n");
    }
    text
}

/// A connection as a line for people.
fn line(made: &Made) -> String {
    let mut text = format!("{:<8} {}", made.verdict, made.target());
    if let Some(address) = made.address.as_ref().filter(|_| made.host != made.address) {
        text += &format!(" at {address}");
    }
    match (&made.reason, made.record.as_str()) {
        (Some(reason), _) => {
            let meaning = Reason::of(reason).map_or(reason.as_str(), |known| known.meaning());
            text += &format!(": {meaning}");
            if let Some(sni) = &made.sni {
                text += &format!(" ({sni})");
            }
        }
        (None, "egress-opened") => text += ", still open",
        (None, _) => {
            let milliseconds = made.us / 1000;
            text += &format!(
                ", {} B from the server, {} B to it, {milliseconds} ms",
                made.up_bytes, made.down_bytes
            );
        }
    }
    printable(&text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OPENED: &str = r#"{"record":"egress-opened","time":"2026-11-22T10:00:01Z","id":"1-0","server":"a","host":"x.example","port":443,"address":"93.184.216.34","verdict":"allowed","us":1000}"#;
    const ENDED: &str = r#"{"record":"egress-ended","time":"2026-11-22T10:00:09Z","id":"1-0","server":"a","host":"x.example","port":443,"address":"93.184.216.34","verdict":"allowed","up_bytes":10,"down_bytes":20,"us":8001000}"#;

    #[test]
    fn a_connection_is_read_once_and_its_end_counts() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("calls.jsonl");
        let other = ENDED.replace("\"a\"", "\"b\"");
        std::fs::write(folder.path().join("calls.jsonl.1"), format!("{OPENED}\n")).unwrap();
        std::fs::write(&log, format!("{ENDED}\n{other}\n{{\"record\":\"egress-en")).unwrap();
        let made = Made::in_file(&log, true, "a").unwrap();
        assert_eq!(made.len(), 1);
        let line =
            "  allowed  x.example:443 at 93.184.216.34, 10 B from the server, 20 B to it, 8001 ms";
        assert_eq!(shown(&made), format!("{line}\n"));
        let open = || Made::of(OPENED).unwrap();
        let twice = shown(&[open(), open()]);
        assert!(twice.ends_with("still open (2 of them)\n"), "{twice}");
        let at = |text| humantime::parse_rfc3339(text).unwrap();
        let meets = |from, to| made[0].meets(at(from), at(to));
        assert!(meets("2026-11-22T10:00:05Z", "2026-11-22T10:00:06Z"));
        assert!(!meets("2026-11-22T10:00:10Z", "2026-11-22T10:00:11Z"));
        assert!(!meets("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5Z"));
    }
}
