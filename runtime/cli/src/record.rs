//! The call log: one JSON line when a call is forwarded and one when it ends.
//!
//! A line is with the operating system before the call goes on, so it survives the death of the process (not a power
//! cut: nothing is synced). Lines are whole: what a full disk or a stalled reader kept of one is written before anything
//! else once there is room.

mod sink;

use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sandgate_gateway::{CallLog, Decision, Ended, Forwarded, Unwritten};
use sandgate_message::{Call, Json};
use sandgate_pipeline::Trail;
use serde::Serialize;
use serde_json::value::RawValue;

use self::sink::Sink;
use crate::config::{Destination, FileError, Files};
use crate::control;
use crate::recent::{MAX_LINE, Recent};

/// Writes the call log.
#[derive(Debug)]
pub struct Record {
    payloads: bool,
    /// None: nothing is recorded.
    sink: Option<Mutex<Sink>>,
    reopen: Option<(Files, PathBuf)>,
    /// What can be asked of a running gateway.
    recent: Option<Recent>,
}

impl Record {
    /// Opens the destination. With `payloads`, params and results are recorded too.
    ///
    /// # Errors
    /// The file cannot be opened, or the standard stream is closed.
    pub fn open(to: &Destination, payloads: bool, files: &Files) -> Result<Self, FileError> {
        let stream = |name: &str, fd: io::Result<OwnedFd>| {
            fd.map_err(|source| FileError::Io {
                path: name.into(),
                what: "opened",
                source,
            })
        };
        let (fd, reopen) = match to {
            Destination::None => {
                return Ok(Self {
                    payloads,
                    sink: None,
                    reopen: None,
                    recent: None,
                });
            }
            Destination::Stdout => (
                stream("stdout", io::stdout().as_fd().try_clone_to_owned())?,
                None,
            ),
            Destination::Stderr => (
                stream("stderr", io::stderr().as_fd().try_clone_to_owned())?,
                None,
            ),
            Destination::File(path) => {
                (open_file(files, path)?, Some((files.clone(), path.clone())))
            }
        };
        Ok(Self {
            payloads,
            sink: Some(Mutex::new(Sink::new(fd))),
            reopen,
            recent: None,
        })
    }

    /// Remembers what it writes, too.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self {
            recent: Some(Recent::default()),
            ..self
        }
    }

    /// What it remembers, where it does.
    pub fn recent(&self) -> Option<&Recent> {
        self.recent.as_ref()
    }

    /// Opens the file anew by its name, after a log rotation moved the old one away. Other destinations stay.
    ///
    /// # Errors
    /// It cannot be opened; the old one stays in use.
    pub fn reopen(&self) -> Result<(), FileError> {
        if let (Some(sink), Some((files, path))) = (&self.sink, &self.reopen) {
            let fresh = open_file(files, path)?;
            let mut sink = sink.lock();
            // The rest of a line belongs to the file that has its beginning.
            let _ = sink.flush_rest(Duration::ZERO);
            *sink = Sink::new(fresh);
        }
        Ok(())
    }

    fn write(
        &self,
        line: Line<'_>,
        remember: impl FnOnce(&Recent, String),
    ) -> Result<(), Unwritten> {
        if self.sink.is_none() && self.recent.is_none() {
            return Ok(());
        }
        let text = line.text()?;
        let written = match &self.sink {
            Some(sink) => sink.lock().line(text.as_bytes()),
            None => Ok(()),
        };
        if let Some(recent) = &self.recent {
            let text = match text.len() > MAX_LINE {
                true => line.without_payload().text()?,
                false => text,
            };
            remember(recent, text);
        }
        written.map_err(|error| Unwritten(error.to_string()))
    }
}

impl CallLog for Record {
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), Unwritten> {
        let line = Line {
            params: self.payload(Some(record.params)),
            ..Line::of("forwarded", record.call, record.at, record.request_bytes)
        };
        self.write(line, |recent, text| recent.forwarded(&record.call.id, text))
    }

    fn ended(&self, record: &Ended<'_>) -> Result<(), Unwritten> {
        let line = Line {
            decision: Some(record.decision),
            failed: Some(record.failed),
            reply_bytes: record.reply_bytes,
            us: Some(micros(record.took)),
            server_us: record.server.map(micros),
            trail: Some(record.trail),
            reply: self.payload(record.reply),
            ..Line::of("ended", record.call, record.at, record.request_bytes)
        };
        self.write(line, |recent, text| recent.ended(record, text))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Record {
    fn payload<'a>(&self, json: Option<&'a Json>) -> Option<&'a RawValue> {
        let json = json.filter(|_| self.payloads)?;
        // Checked when it came in: it is JSON.
        serde_json::from_str(json.as_str()).ok()
    }
}

/// One line, its keys in the order in which people read them.
#[derive(Serialize)]
struct Line<'a> {
    record: &'static str,
    time: String,
    id: &'a str,
    era: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Client<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    direction: &'static str,
    server: &'a str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<bool>,
    request_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    us: Option<u64>,
    /// Of these, how long the other side took.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<&'a Trail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'a RawValue>,
    /// The payload was left out of what is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_large: Option<bool>,
}

#[derive(Serialize)]
struct Client<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(record: &'static str, call: &'a Call, at: SystemTime, request_bytes: usize) -> Self {
        let version = call.attribute("client.version");
        Self {
            record,
            time: humantime::format_rfc3339_micros(at.max(SystemTime::UNIX_EPOCH)).to_string(),
            id: &call.id.0,
            era: call.era.as_str(),
            client: call
                .attribute("client.name")
                .map(|name| Client { name, version }),
            principal: call.principal.as_deref(),
            session: call.session.as_deref(),
            direction: call.direction.as_str(),
            server: &call.server,
            method: &call.method,
            target: call.target.as_deref(),
            decision: None,
            failed: None,
            request_bytes,
            reply_bytes: None,
            us: None,
            server_us: None,
            trail: None,
            params: None,
            reply: None,
            too_large: None,
        }
    }

    /// With its end.
    fn text(&self) -> Result<String, Unwritten> {
        let mut text = serde_json::to_string(self).map_err(|e| Unwritten(e.to_string()))?;
        // A payload keeps its own white space; a line end can only stand between its tokens.
        if text.contains(['\n', '\r']) {
            text.retain(|c| !matches!(c, '\n' | '\r'));
        }
        text.push('\n');
        Ok(match control::json(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(safe) => safe,
        })
    }

    fn without_payload(self) -> Self {
        Self {
            params: None,
            reply: None,
            too_large: Some(true),
            ..self
        }
    }
}

fn open_file(files: &Files, path: &std::path::Path) -> Result<OwnedFd, FileError> {
    let file = files.open_append(path)?;
    let failed = |source: io::Error| FileError::Io {
        path: files.path(path),
        what: "opened",
        source,
    };
    // A process that was killed may have left half a line; it becomes a line of its own.
    let length = file.metadata().map_err(failed)?.len();
    if length > 0 && !files.ends_in_line_end(path)? {
        rustix::io::write(&file, b"\n").map_err(|error| failed(error.into()))?;
    }
    Ok(file.into_std().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Instant;

    use sandgate_message::{CallId, Direction, Era, Limits};
    use serde_json::Value;

    use super::sink::STALL;
    use super::*;

    fn call() -> Call {
        Call {
            id: CallId("0001".into()),
            method: "tools/call".into(),
            direction: Direction::ClientToServer,
            era: Era::Modern,
            server: "crm".into(),
            target: Some("lookup".into()),
            client_target: None,
            session: None,
            principal: Some("alice".into()),
            groups: Arc::new([]),
            definition: None,
            attributes: Arc::new([
                ("client.name".into(), "test".into()),
                ("client.version".into(), "1".into()),
            ]),
        }
    }

    fn forward(record: &Record, params: &str) -> Result<(), Unwritten> {
        let params = Json::parse(params.to_owned(), &Limits::default()).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000);
        record.forwarded(&Forwarded {
            call: &call(),
            at,
            request_bytes: 10,
            params: &params,
        })
    }

    fn end(record: &Record) -> Result<(), Unwritten> {
        let trail = Trail {
            version: 7,
            entries: Vec::new(),
        };
        record.ended(&Ended {
            call: &call(),
            at: SystemTime::UNIX_EPOCH,
            decision: Decision::Refused,
            trail: &trail,
            request_bytes: 10,
            reply_bytes: Some(20),
            failed: true,
            reply: None,
            took: Duration::from_micros(42),
            server: Some(Duration::from_micros(7)),
        })
    }

    fn in_file(folder: &Path, payloads: bool) -> Record {
        Record::open(
            &Destination::File("log".into()),
            payloads,
            &Files::in_folder(folder),
        )
        .unwrap()
    }

    fn lines(folder: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join("log")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_call_is_two_lines() {
        let folder = tempfile::tempdir().unwrap();
        let record = in_file(folder.path(), false);
        forward(&record, r#"{"name":"canary"}"#).unwrap();
        end(&record).unwrap();
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"record":"forwarded","time":"1970-01-01T00:00:01.500000Z","id":"0001","era":"modern","client":{"name":"test","version":"1"},"principal":"alice","direction":"client-to-server","server":"crm","method":"tools/call","target":"lookup","request_bytes":10}"#,
                "\n",
                r#"{"record":"ended","time":"1970-01-01T00:00:00.000000Z","id":"0001","era":"modern","client":{"name":"test","version":"1"},"principal":"alice","direction":"client-to-server","server":"crm","method":"tools/call","target":"lookup","decision":"refused","failed":true,"request_bytes":10,"reply_bytes":20,"us":42,"server_us":7,"trail":{"version":7,"entries":[]}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn payloads_are_recorded_only_where_asked_for_and_on_one_line() {
        let folder = tempfile::tempdir().unwrap();
        forward(
            &in_file(folder.path(), true),
            "{\r\n  \"name\": \"a\\nb\",\n  \"big\": 1e400\n}",
        )
        .unwrap();
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(
            text.contains(r#""params":{  "name": "a\nb",  "big": 1e400}"#),
            "{text}"
        );
    }

    #[test]
    fn a_terminal_that_shows_a_record_obeys_nothing_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let strange = "\u{9b}2J\x7f";
        forward(
            &in_file(folder.path(), true),
            &format!(r#"{{"name":"{strange}\u001b"}}"#),
        )
        .unwrap();
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(
            !text.trim_end().contains(|c: char| c.is_control()),
            "{text:?}"
        );
        let name = &lines(folder.path())[0]["params"]["name"];
        assert_eq!(name.as_str().unwrap(), format!("{strange}\x1b"));
    }

    #[test]
    fn a_torn_tail_becomes_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), "{\"record\":\"forw").unwrap();
        end(&in_file(folder.path(), false)).unwrap();
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).is_ok());
    }

    #[test]
    fn a_full_disk_is_reported() {
        let files = Files::in_folder(Path::new("/dev"));
        let record = Record::open(&Destination::File("full".into()), false, &files).unwrap();
        let error = end(&record).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        assert!(end(&record).is_err());
    }

    #[test]
    fn a_stalled_reader_fails_records_and_gets_whole_lines_once_it_reads_again() {
        let (mut reader, writer) = io::pipe().unwrap();
        let record = Record {
            payloads: true,
            sink: Some(Mutex::new(Sink::new(writer.into()))),
            reopen: None,
            recent: None,
        };
        let params = format!("\"{}\"", "x".repeat(10_000));
        let mut written = 0;
        while forward(&record, &params).is_ok() {
            written += 1;
        }
        assert!(written > 0);
        let before = Instant::now();
        assert!(forward(&record, &params).is_err());
        assert!(
            before.elapsed() < STALL,
            "a later record waited for the stalled reader"
        );

        let mut text = vec![0; 60_000];
        let count = reader.read(&mut text).unwrap();
        text.truncate(count);
        end(&record).unwrap();
        drop(record);
        reader.read_to_end(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(records.len() > written);
        assert_eq!(records.last().unwrap()["record"], "ended");
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let record = Record {
            payloads: false,
            sink: Some(Mutex::new(Sink::new(writer.into()))),
            reopen: None,
            recent: None,
        };
        assert!(end(&record).is_err());
    }

    #[test]
    fn lines_from_many_threads_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let record = in_file(folder.path(), true);
        let params = format!("\"{}\"", "x".repeat(20_000));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| forward(&record, &params).unwrap()));
            }
        });
        assert_eq!(lines(folder.path()).len(), 100);
    }

    #[test]
    fn after_a_rotation_the_log_is_reopened_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let record = in_file(folder.path(), false);
        end(&record).unwrap();
        std::fs::rename(folder.path().join("log"), folder.path().join("log.1")).unwrap();
        record.reopen().unwrap();
        end(&record).unwrap();
        assert_eq!(lines(folder.path()).len(), 1);
    }

    #[test]
    fn nothing_is_written_nowhere() {
        let record = Record::open(
            &Destination::None,
            true,
            &Files::in_folder(Path::new("/nonexistent")),
        )
        .unwrap();
        end(&record).unwrap();
        record.reopen().unwrap();
    }
}
