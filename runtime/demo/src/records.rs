//! The call log as the demo reads it: from the file, like any other program.

use std::io;
use std::path::PathBuf;

use serde::Deserialize;

/// Reads records as they are appended.
pub(super) struct Records {
    file: PathBuf,
    read: usize,
}

/// How a call ended.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    record: String,
    method: String,
    #[serde(default)]
    pub(super) decision: String,
    #[serde(default)]
    pub(super) us: u64,
    #[serde(default)]
    pub(super) trail: Trail,
}

/// Who decided what.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Trail {
    pub(super) version: u64,
    pub(super) entries: Vec<Run>,
}

/// One hook run.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) interceptor: String,
    pub(super) hook: String,
    pub(super) mode: String,
    pub(super) decision: String,
    pub(super) applied: bool,
    pub(super) code: Option<String>,
    pub(super) failure: Option<String>,
    #[serde(default)]
    pub(super) findings: Vec<Finding>,
    pub(super) us: u64,
}

/// What it noticed.
#[derive(Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) message: String,
}

impl Records {
    pub(super) fn of(file: PathBuf) -> Self {
        Self { file, read: 0 }
    }

    /// The end of the last call of that method since this was last asked. Records are written before replies depart, so
    /// whoever has the reply finds the record.
    pub(super) fn ended(&mut self, method: &str) -> io::Result<Record> {
        let text = std::fs::read_to_string(&self.file)?;
        let fresh = text.get(self.read..).unwrap_or_default();
        self.read = text.len();
        let mut found = None;
        for line in fresh.lines() {
            let record: Record = serde_json::from_str(line)?;
            if record.record == "ended" && record.method == method {
                found = Some(record);
            }
        }
        found.ok_or_else(|| {
            io::Error::other(format!(
                "{} has no record of the end of {method}",
                self.file.display()
            ))
        })
    }
}

impl Run {
    pub(super) fn is_in_audit(&self) -> bool {
        self.mode == "audit"
    }

    /// On the way to the server.
    pub(super) fn is_way_in(&self) -> bool {
        self.hook == "pre-call"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_is_found_once_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let line = |record: &str| {
            format!(
                r#"{{"record":"{record}","method":"ping","decision":"forwarded","us":4,"trail":{{"version":2,"entries":[]}}}}"#
            ) + "\n"
        };
        std::fs::write(
            &file,
            r#"{"record":"forwarded","method":"ping"}"#.to_owned() + "\n" + &line("ended"),
        )
        .unwrap();
        let mut records = Records::of(file);
        assert_eq!(records.ended("ping").unwrap().trail.version, 2);
        assert!(records.ended("ping").is_err());
    }
}
