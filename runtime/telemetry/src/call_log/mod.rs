//! The call log: one JSON line when a call is forwarded and one when it ends.
//!
//! A line is with the operating system before the call goes on, so it survives the death of the process (but not a
//! power cut: nothing is synced). Lines are whole: if a full disk or a stalled reader cut a line, its rest is written
//! before anything else once there is room.

mod attest;
mod audit;
mod backwards;
mod egress;
mod hand_over;
mod keeper;
mod line;
mod moved_file;
mod open_error;
mod operator_action;
mod payloads;
pub mod record;
mod remote;
mod retention;
mod rotation;
mod saved_chain;
pub mod search;
mod shared;
mod sink;
mod target;
mod unsynced;
mod watcher;
mod write_failure;
mod written;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::FileError;
use sandgate_gateway::{CallLog, CallLogError, Decision, Ended, Forwarded, LeftOut};
use tokio::sync::Notify;

use self::line::Line;
use self::remote::FormerSinks;
use self::sink::Sink;
use self::unsynced::Unsynced;
use self::watcher::Watched;
use crate::matched_values::MatchedValues;
use crate::recent_calls::{MAX_LINE, RecentCalls};

pub use self::audit::Auditor;
pub use self::backwards::{Place, backwards};
pub use self::hand_over::HandedOver;
pub use self::open_error::OpenError;
pub use self::payloads::Payloads;
pub use self::remote::{LosingSink, RemoteSinkFigures, RemoteSinkStatus};
pub use self::rotation::Rotation;
pub use self::target::{CallLogParts, CallLogTarget};
pub use self::watcher::{AlertFigures, AlertRecord, RecordWatcher};
pub use self::write_failure::WriteFailure;

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

#[cfg(test)]
mod tests;
