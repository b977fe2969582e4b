//! Records that cannot be written: how many, since when and why, and the line that stands in their place.

use std::io;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use serde::Serialize;

use super::CallLogWriter;
use super::sink::Sink;

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

impl CallLogWriter {
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
    pub(super) fn line(&self, sink: &mut Sink, line: &[u8]) -> io::Result<()> {
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
}
