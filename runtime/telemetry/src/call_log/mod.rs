//! The call log: one JSON line when a call is forwarded and one when it ends.
//!
//! A line is with the operating system before the call goes on, so it survives the death of the process (but not a
//! power cut: nothing is synced). Lines are whole: if a full disk or a stalled reader cut a line, its rest is written
//! before anything else once there is room.

mod egress;
mod line;
mod sink;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::{Destination, FileError, Files};
use sandgate_gateway::{CallLog, CallLogError, Decision, Ended, Forwarded, LeftOut};
use sandgate_message::Json;
use serde::Serialize;
use serde_json::value::RawValue;

use self::line::Line;
use self::sink::Sink;
use crate::matched_values::MatchedValues;
use crate::recent_calls::{MAX_LINE, RecentCalls};

/// Writes the call log.
#[derive(Debug)]
pub struct CallLogWriter {
    target: ArcSwap<CallLogTarget>,
    /// The recent calls, for questions to a running gateway.
    recent: Option<RecentCalls>,
    matched_values: MatchedValues,
    unwritten: AtomicU64,
    /// Whether `failure` is set. Every record reads this flag instead of the lock.
    failing: AtomicBool,
    failure: Mutex<Option<WriteFailure>>,
}

/// The destination of records, and whether they hold payloads.
#[derive(Debug)]
pub struct CallLogTarget {
    payloads: bool,
    /// Where records are written. `None`: nothing is recorded.
    sink: Option<Mutex<Sink>>,
    reopen: Option<(Files, PathBuf)>,
}

/// A failure to write records that still lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// When the failure began.
    pub since: SystemTime,
    /// The number of records that could not be written since then.
    pub count: u64,
    /// Why the last record could not be written.
    pub why: String,
}

/// The line that stands in the place of missing records.
#[derive(Serialize)]
struct Gap {
    record: &'static str,
    time: String,
    since: String,
    unwritten: u64,
}

impl CallLogTarget {
    /// Opens the destination. With `payloads`, params and results are recorded too.
    ///
    /// # Errors
    ///
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
            Destination::None => return Ok(Self::new(payloads, None, None)),
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
        Ok(Self::new(payloads, Some(Sink::new(fd)), reopen))
    }

    fn new(payloads: bool, sink: Option<Sink>, reopen: Option<(Files, PathBuf)>) -> Self {
        Self {
            payloads,
            sink: sink.map(Mutex::new),
            reopen,
        }
    }
}

impl CallLogWriter {
    /// Opens the destination. With `payloads`, params and results are recorded too.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the standard stream is closed.
    pub fn open(to: &Destination, payloads: bool, files: &Files) -> Result<Self, FileError> {
        Ok(Self::to(CallLogTarget::open(to, payloads, files)?))
    }

    fn to(target: CallLogTarget) -> Self {
        Self {
            target: ArcSwap::from_pointee(target),
            recent: None,
            matched_values: MatchedValues::default(),
            unwritten: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Redirects later records to another target.
    pub fn redirect(&self, target: CallLogTarget) {
        if target.sink.is_none() {
            *self.failure.lock() = None;
            self.failing.store(false, Ordering::Relaxed);
        }
        self.target.store(Arc::new(target));
    }

    /// The number of records that could not be written since the start.
    pub fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Why records cannot be written at present. `None` if they can.
    pub fn failure(&self) -> Option<WriteFailure> {
        match self.failing.load(Ordering::Relaxed) {
            true => self.failure.lock().clone(),
            false => None,
        }
    }

    /// If records cannot be written, tries whether they can be again. A gateway that is not ready gets no calls, and
    /// would not learn it from them.
    pub fn retry(&self) {
        if self.failing.load(Ordering::Relaxed)
            && let Some(sink) = &self.target.load().sink
        {
            let _ = self.line(&mut sink.lock(), b"");
        }
    }

    /// Writes the line. If earlier lines could not be written, writes a gap record first.
    fn line(&self, sink: &mut Sink, line: &[u8]) -> io::Result<()> {
        let written = match self.failure() {
            None => sink.line(line),
            Some(failure) => {
                let time = |at| humantime::format_rfc3339_micros(at).to_string();
                let gap = Gap {
                    record: "gap",
                    time: time(SystemTime::now()),
                    since: time(failure.since),
                    unwritten: failure.count,
                };
                let mut gap = serde_json::to_vec(&gap)?;
                gap.push(b'\n');
                sink.line(&gap).and_then(|()| {
                    *self.failure.lock() = None;
                    self.failing.store(false, Ordering::Relaxed);
                    match line {
                        b"" => Ok(()),
                        line => sink.line(line),
                    }
                })
            }
        };
        // An empty line is a mere try: no record is missing.
        if let (Err(error), false) = (&written, line.is_empty()) {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
            let mut failure = self.failure.lock();
            let failure = failure.get_or_insert_with(|| WriteFailure {
                since: SystemTime::now(),
                count: 0,
                why: String::new(),
            });
            failure.count += 1;
            failure.why = error.to_string();
            self.failing.store(true, Ordering::Relaxed);
        }
        written
    }

    /// Makes the writer remember recent calls, too.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self {
            recent: Some(RecentCalls::default()),
            ..self
        }
    }

    /// The remembered calls, if the writer remembers any.
    pub fn recent(&self) -> Option<&RecentCalls> {
        self.recent.as_ref()
    }

    /// The words that policies matched, if they are kept.
    pub fn matched_values(&self) -> &MatchedValues {
        &self.matched_values
    }

    /// Reopens the file by its name, after a log rotation moved the old one away. Other destinations stay.
    ///
    /// # Errors
    ///
    /// The file cannot be opened. The old one stays in use.
    pub fn reopen(&self) -> Result<(), FileError> {
        let target = self.target.load();
        if let (Some(sink), Some((files, path))) = (&target.sink, &target.reopen) {
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
        remember: impl FnOnce(&RecentCalls, String),
    ) -> Result<(), CallLogError> {
        let target = self.target.load();
        if target.sink.is_none() && self.recent.is_none() {
            return Ok(());
        }
        let text = line.text()?;
        let written = self.put(&text);
        if let Some(recent) = &self.recent {
            let text = match text.len() > MAX_LINE {
                true => line.without_payload().text()?,
                false => text,
            };
            remember(recent, text);
        }
        written
    }

    /// Writes a line to the destination, where there is one.
    fn put(&self, text: &str) -> Result<(), CallLogError> {
        let written = match &self.target.load().sink {
            Some(sink) => self.line(&mut sink.lock(), text.as_bytes()),
            None => Ok(()),
        };
        written.map_err(|error| CallLogError(error.to_string()))
    }
}

impl CallLog for CallLogWriter {
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError> {
        let line = Line {
            params: self.payload(Some(record.params)),
            ..Line::of("forwarded", record.call, record.at, record.request_bytes)
        };
        self.write(line, |recent, text| recent.forwarded(&record.call.id, text))
    }

    fn left_out(&self, record: &LeftOut<'_>) -> Result<(), CallLogError> {
        let line = Line {
            notifications: Some(record.notifications),
            ..Line::of("left-out", record.call, record.at, 0)
        };
        self.write(line, |_, _| {})
    }

    fn ended(&self, record: &Ended<'_>) -> Result<(), CallLogError> {
        if self.recent.is_some() {
            self.matched_values.ended(record);
        }
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
        let line = match record.decision {
            // A policy that refuses a call does not want the secrets in its target to be kept.
            Decision::Refused => line.without_secrets(),
            _ => line,
        };
        self.write(line, |recent, text| recent.ended(record, text))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl CallLogWriter {
    fn payload<'a>(&self, json: Option<&'a Json>) -> Option<&'a RawValue> {
        let json = json.filter(|_| self.target.load().payloads)?;
        // Checked when it came in: it is JSON.
        serde_json::from_str(json.as_str()).ok()
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
mod tests;
