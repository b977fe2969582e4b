//! The call log: one JSON line when a call is forwarded and one when it ends.
//!
//! A line is with the operating system before the call goes on, so it survives the death of the process (but not a
//! power cut: nothing is synced). Lines are whole: if a full disk or a stalled reader cut a line, its rest is written
//! before anything else once there is room.

mod attest;
mod audit;
mod backwards;
mod egress;
mod former_sinks;
mod line;
mod payloads;
pub mod record;
mod remote;
mod remote_client;
mod rotation;
pub mod search;
mod shared;
mod sink;
mod unsynced;
mod watcher;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::{Destination, FileError, Files, ResolvedSink};
use sandgate_gateway::{CallLog, CallLogError, Decision, Ended, Forwarded, LeftOut};
use sandgate_text::escape;
use serde::Serialize;
use tokio::sync::Notify;

use self::former_sinks::FormerSinks;
use self::line::Line;
use self::sink::Sink;
use crate::matched_values::MatchedValues;
use crate::recent_calls::{MAX_LINE, RecentCalls};

use self::audit::Signed;
pub use self::audit::{Auditor, OpenError};
pub use self::backwards::{Place, backwards};
pub use self::payloads::Payloads;
use self::remote::RemoteSinks;
pub use self::remote::{LosingSink, RemoteSinkFigures, RemoteSinkStatus};
pub use self::rotation::Rotation;
use self::unsynced::Unsynced;
use self::watcher::Watched;
pub use self::watcher::{AlertFigures, AlertRecord, RecordWatcher};

/// The most bytes by which a line grows with its place in a chain.
const CHAINED: usize = 110;

/// Writes the call log.
#[derive(Debug)]
pub struct CallLogWriter {
    target: ArcSwap<CallLogTarget>,
    /// The recent calls, for questions to a running gateway.
    recent: Option<RecentCalls>,
    matched_values: MatchedValues,
    /// What makes the lines provable, if anything.
    auditor: Option<Arc<Auditor>>,
    unwritten: AtomicU64,
    /// Whether `failure` is set. Every record reads this flag instead of the lock.
    failing: AtomicBool,
    failure: Mutex<Option<WriteFailure>>,
    watcher: Watched,
    /// Whether the log's file was moved away since somebody last looked.
    moved: AtomicBool,
    /// Files that were moved away and may not be on disk yet.
    unsynced: Unsynced,
    /// Sinks that reloads have taken out of the configuration.
    former_sinks: FormerSinks,
    /// Told whenever records go elsewhere.
    redirected: Notify,
}

/// The destination of records, and whether they hold payloads.
#[derive(Debug)]
pub struct CallLogTarget {
    payloads: Payloads,
    /// Where records are written. `None`: nowhere on this machine.
    sink: Option<Mutex<Sink>>,
    reopen: Option<Reopen>,
    /// Where records are sent as well.
    remote: Arc<RemoteSinks>,
}

/// How a file is opened again.
#[derive(Debug)]
struct Reopen {
    files: Files,
    path: PathBuf,
    auditor: Option<Arc<Auditor>>,
    rotation: Rotation,
    remote: Arc<RemoteSinks>,
}

/// What the destination of records is made of.
#[derive(Debug, Default)]
pub struct CallLogParts<'a> {
    /// What records have of params and results.
    pub payloads: Payloads,
    /// When the file is moved away.
    pub rotation: Rotation,
    /// Where records are sent as well.
    pub sinks: Vec<ResolvedSink>,
    /// With an auditor, the lines of a file are part of its chain.
    pub auditor: Option<&'a Arc<Auditor>>,
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

/// The log was handed over to another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// The key that verifies what was signed before.
    pub before: String,
    /// The key that verifies what is signed from here on.
    pub after: String,
    /// What went wrong after it. `None`: nothing.
    pub trouble: Option<String>,
}

/// The line that stands in the place of missing records.
#[derive(Serialize)]
struct Gap {
    record: &'static str,
    time: String,
    since: String,
    unwritten: u64,
}

/// The record of what an operator did.
#[derive(Serialize)]
struct OperatorAction<'a, T> {
    record: &'static str,
    time: String,
    action: &'a str,
    #[serde(flatten)]
    detail: T,
}

impl CallLogTarget {
    /// Opens the destination.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, the standard stream is closed, or a sink cannot be used as it is configured.
    pub fn open(
        to: &Destination,
        files: &Files,
        parts: CallLogParts<'_>,
    ) -> Result<Self, OpenError> {
        let CallLogParts {
            payloads,
            rotation,
            sinks,
            auditor,
        } = parts;
        let remote = Arc::new(RemoteSinks::new(sinks)?);
        let stream = |name: &str, fd: io::Result<OwnedFd>| {
            fd.map_err(|source| FileError::Io {
                path: name.into(),
                what: "opened",
                source,
            })
        };
        let (sink, reopen) = match to {
            Destination::None => {
                return Ok(Self {
                    payloads,
                    sink: None,
                    reopen: None,
                    remote,
                });
            }
            Destination::Stdout => (
                Sink::new(stream("stdout", io::stdout().as_fd().try_clone_to_owned())?),
                None,
            ),
            Destination::Stderr => (
                Sink::new(stream("stderr", io::stderr().as_fd().try_clone_to_owned())?),
                None,
            ),
            Destination::File(path) => {
                let reopen = Reopen {
                    files: files.clone(),
                    path: path.clone(),
                    auditor: auditor.cloned(),
                    rotation,
                    remote: remote.clone(),
                };
                let sink = reopen.open()?;
                if auditor.is_none() {
                    shared::refuse_chained(&sink, &files.path(path))?;
                }
                (sink, Some(reopen))
            }
        };
        Ok(Self {
            payloads,
            sink: Some(Mutex::new(sink.sending(remote.clone()))),
            reopen,
            remote,
        })
    }
}

impl CallLogWriter {
    /// Writes to this target.
    pub fn to(target: CallLogTarget) -> Self {
        Self {
            target: ArcSwap::from_pointee(target),
            recent: None,
            matched_values: MatchedValues::default(),
            auditor: None,
            unwritten: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            failure: Mutex::new(None),
            watcher: Watched::default(),
            moved: AtomicBool::new(false),
            unsynced: Unsynced::default(),
            former_sinks: FormerSinks::default(),
            redirected: Notify::new(),
        }
    }

    /// Redirects later records to another target.
    pub fn redirect(&self, mut target: CallLogTarget) {
        if target.sink.is_none() {
            *self.failure.lock() = None;
            self.failing.store(false, Ordering::Relaxed);
        }
        let before = self.target.load_full();
        // No line goes to the old sink once one may have gone to the new one: lines of a chain stand in its order.
        let retired = before.sink.as_ref().map(|sink| {
            let mut sink = sink.lock();
            sink.retired = true;
            sink
        });
        target.open_again_if_moved();
        let others = target.remote.take_over(&before.remote);
        self.target.store(Arc::new(target));
        if let Some(before) = retired {
            self.sync(&before);
        }
        self.former_sinks.add(others);
        self.redirected.notify_one();
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
            let mut sink = sink.lock();
            if !sink.retired {
                let _ = self.line(&mut sink, b"");
            }
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

    /// Signs a checkpoint over all lines so far, and writes it. `None`: there are no new lines, or no chain.
    fn checkpoint(&self) -> io::Result<Option<Signed>> {
        let signed = loop {
            let target = self.target.load();
            let (Some(sink), Some(auditor)) = (&target.sink, &self.auditor) else {
                return Ok(None);
            };
            let mut sink = sink.lock();
            if !sink.retired {
                break auditor.checkpoint(&mut sink)?;
            }
        };
        self.sync_moved()?;
        if let Some(signed) = &signed {
            // What is signed survives a power cut, so that an anchor never knows more than the log.
            rustix::fs::fdatasync(&signed.file)?;
        }
        Ok(signed)
    }

    /// Hands the log over to the key of this file, which signs from here on.
    ///
    /// # Errors
    ///
    /// There is no chain, the key cannot be used or is the same, or the log cannot be written.
    pub fn hand_over(&self, key: &Path, files: &Files) -> Result<HandedOver, String> {
        let auditor = self
            .auditor
            .as_ref()
            .ok_or("the call log has no chain: `[audit]` makes one")?;
        let next = audit::signing_key(key, files).map_err(|error| error.to_string())?;
        let (before, after) = (auditor.verifier(), next.verifier().to_string());
        if before == after {
            return Err(format!(
                "{} has the key that signs already",
                files.path(key).display()
            ));
        }
        let signed = loop {
            let target = self.target.load();
            let sink = target.sink.as_ref().ok_or("the call log is in no file")?;
            let mut sink = sink.lock();
            if !sink.retired {
                break auditor.hand_over(&mut sink, next);
            }
        };
        let signed = signed.map_err(|error| format!("the call log cannot be written: {error}"))?;
        // The next key signs from here on, whatever happens to the file.
        let synced = self
            .sync_moved()
            .and_then(|()| Ok(rustix::fs::fdatasync(&signed.file)?));
        let unsynced = synced
            .err()
            .map(|error| format!("the record of it may not be on disk: {error}"));
        let unsaved = signed
            .unsaved
            .map(|error| format!("the end of the chain cannot be kept beside the log: {error}"));
        Ok(HandedOver {
            before,
            after,
            trouble: unsaved.or(unsynced),
        })
    }

    /// Records what an operator did, where the call log is to prove what happened.
    pub fn operator(&self, action: &str, detail: impl Serialize) {
        if self.auditor.is_some() {
            self.operator_always(action, detail);
        }
    }

    /// Records what an operator did, also where the call log proves nothing.
    pub fn operator_always(&self, action: &str, detail: impl Serialize) {
        let line = OperatorAction {
            record: "operator",
            time: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            action,
            detail,
        };
        if let Ok(mut text) = serde_json::to_string(&line) {
            text.push('\n');
            // A failure is counted and told like that of a call's record.
            let _ = self.put(&escape::json(&text));
        }
    }

    /// Puts a file on disk that gets no further lines: the next checkpoint stands for them too.
    fn sync(&self, sink: &Sink) {
        if self.auditor.is_some()
            && let Ok(file) = sink.handle()
        {
            let _ = rustix::fs::fdatasync(file);
        }
    }

    /// Sets what makes the lines provable: that of its target.
    #[must_use]
    pub fn audited(self, auditor: Option<Arc<Auditor>>) -> Self {
        Self { auditor, ..self }
    }

    /// What makes the lines provable. `None`: they are not.
    pub fn auditor(&self) -> Option<&Arc<Auditor>> {
        self.auditor.as_ref()
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

    /// The file of the log. `None`: it is none.
    pub fn file(&self) -> Option<PathBuf> {
        let target = self.target.load();
        let reopen = target.reopen.as_ref()?;
        Some(reopen.files.path(&reopen.path))
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
    pub fn reopen(&self) -> Result<(), OpenError> {
        let target = self.target.load();
        if let (Some(sink), Some(reopen)) = (&target.sink, &target.reopen) {
            let mut fresh = reopen.open()?;
            let mut sink = sink.lock();
            // Moved away before the lock was had: what follows would go to a file that is complete.
            if !reopen.is_of(&fresh) {
                fresh = reopen.open()?;
            }
            // The rest of a line belongs to the file that has its beginning. The chain has the whole line.
            let flushed = sink.flush_rest(Duration::ZERO);
            if self.auditor.is_some() {
                flushed.map_err(|source| FileError::Io {
                    path: reopen.files.path(&reopen.path),
                    what: "written",
                    source,
                })?;
            }
            let before = std::mem::replace(&mut *sink, fresh);
            drop(sink);
            self.sync(&before);
        }
        Ok(())
    }

    fn write(
        &self,
        line: Line<'_>,
        remember: impl FnOnce(&RecentCalls, String),
    ) -> Result<(), CallLogError> {
        let target = self.target.load();
        if target.sink.is_none() && self.recent.is_none() && target.remote.is_empty() {
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

    /// Writes a line to the target in force.
    fn put(&self, text: &str) -> Result<(), CallLogError> {
        let (written, sent) = loop {
            let target = self.target.load();
            let Some(sink) = &target.sink else {
                break (Ok(()), target.remote.put(text.as_bytes()));
            };
            let mut sink = sink.lock();
            if sink.retired {
                continue;
            }
            if let Some(reopen) = &target.reopen {
                reopen.follow(&mut sink);
                let more = text.len() + CHAINED;
                if reopen.rotation.is_full(sink.size(), more) && sink.has_records() {
                    self.rotate(&mut sink, &target);
                }
            }
            let written = self.line(&mut sink, text.as_bytes());
            break (written, !sink.unsent);
        };
        written.map_err(|error| CallLogError(error.to_string()))?;
        match sent {
            true => Ok(()),
            false => Err(CallLogError(
                "a sink of the call log takes no records, and no more can wait for it".to_owned(),
            )),
        }
    }
}

impl CallLog for CallLogWriter {
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError> {
        let target = self.target.load();
        let params = target.payloads.of_payload(Some(record.params));
        let line = Line {
            params: params.as_deref(),
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
        let target = self.target.load();
        let reply = target.payloads.of_payload(record.reply);
        let line = Line {
            decision: Some(record.decision),
            failed: Some(record.failed),
            reply_bytes: record.reply_bytes,
            us: Some(micros(record.took)),
            server_us: record.server.map(micros),
            refused_by: record.refused_by,
            trail: Some(record.trail),
            reply: reply.as_deref(),
            ..Line::of("ended", record.call, record.at, record.request_bytes)
        };
        let line = match record.decision {
            // A policy that refuses a call does not want the secrets in its target to be kept.
            Decision::Refused => line.without_secrets(),
            _ => line,
        };
        let written = self.write(line, |recent, text| recent.ended(record, text));
        self.watched(|watcher| watcher.ended(record));
        written
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl CallLogTarget {
    /// Opens the file by its name once more, where it was moved away since it was opened. Called while nothing moves it.
    fn open_again_if_moved(&mut self) {
        let (Some(sink), Some(reopen)) = (&mut self.sink, &self.reopen) else {
            return;
        };
        let sink = sink.get_mut();
        if reopen.is_of(sink) {
            return;
        }
        match reopen.open() {
            Ok(fresh) => *sink = fresh,
            Err(error) => tracing::error!("the call log goes on in a file that was moved: {error}"),
        }
    }
}

impl Reopen {
    /// Whether the sink writes to the file that has the log's name now.
    fn is_of(&self, sink: &Sink) -> bool {
        let stat = std::fs::metadata(self.files.path(&self.path));
        stat.is_ok_and(|stat| Some((stat.dev(), stat.ino())) == sink.file())
    }

    fn open(&self) -> Result<Sink, OpenError> {
        let Self {
            files,
            path,
            auditor,
            rotation,
            remote,
        } = self;
        let fd = open_file(files, path)?;
        let sink = match auditor {
            Some(auditor) => auditor.sink(fd, files, path)?,
            None => Sink::new(fd),
        };
        let begun = match rotation.has_ages() && sink.size() > 0 {
            true => rotation::begun(files.open_read(path)?),
            false => None,
        };
        Ok(sink.beginning(begun).sending(remote.clone()))
    }
}

fn open_file(files: &Files, path: &Path) -> Result<OwnedFd, FileError> {
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
