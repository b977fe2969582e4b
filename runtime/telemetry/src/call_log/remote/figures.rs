//! What became of the records for sinks.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sandgate_text::time;
use serde::{Deserialize, Serialize};

use crate::call_log::CallLogWriter;

/// How long after a loss records still count as being lost.
pub(super) const LATELY: Duration = match cfg!(test) {
    false => Duration::from_secs(60),
    true => Duration::from_millis(500),
};

/// When a record was lost, and why.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    pub(super) at: Instant,
    pub(super) why: String,
}

impl Loss {
    pub(super) fn now(why: String) -> Self {
        let at = Instant::now();
        Self { at, why }
    }

    /// Whether it counts as lasting.
    pub(super) fn is_recent(&self) -> bool {
        self.at.elapsed() < LATELY
    }
}

/// A sink for which records are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LosingSink {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Why.
    pub why: String,
}

/// What became of the records for one sink since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSinkFigures {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Records, or events made of them, that it took.
    pub sent: u64,
    /// Records that found no room to wait, or still waited at the end.
    pub dropped: u64,
    /// Records that it will never take.
    pub rejected: u64,
    /// What waits, in bytes.
    pub waiting: u64,
}

/// A sink, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSinkStatus {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Records that it took.
    pub sent: u64,
    /// Records that are lost for it.
    pub lost: u64,
    /// What waits, in bytes.
    pub waiting_bytes: u64,
    /// Since when it takes no records (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Why it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl CallLogWriter {
    /// What became of records since the start, by sink: those in force in the file's order, then former ones.
    pub fn sink_figures(&self) -> Vec<RemoteSinkFigures> {
        let all = self.target.load().remote.all();
        let all = all.iter().map(|sink| sink.figures());
        self.former_sinks.with(all.collect())
    }

    /// The sinks, as operators see them.
    pub fn sink_status(&self) -> Vec<RemoteSinkStatus> {
        let all = self.target.load().remote.all();
        let all = all.iter().map(|sink| {
            let failure = sink.failure.lock().clone();
            let (since, error) = failure.unzip();
            RemoteSinkStatus {
                sink: sink.shown(),
                sent: sink.sent.load(Ordering::Relaxed),
                lost: sink.lost(),
                waiting_bytes: sink.waiting.lock().bytes as u64,
                failing_since: since.map(time),
                error,
            }
        });
        all.collect()
    }

    /// The first sink that has no room for a record, and why it takes none.
    pub(crate) fn full_sink(&self) -> Option<(String, String)> {
        let all = self.target.load().remote.all();
        let full = all.iter().find(|sink| sink.full.load(Ordering::Relaxed))?;
        Some((full.shown(), full.why_full()))
    }

    /// The sinks for which records are lost, or were in the last minute, those that a reload has taken out too.
    pub fn losing_sinks(&self) -> Vec<LosingSink> {
        let all = self.target.load().remote.all();
        let losses = all
            .iter()
            .filter_map(|sink| Some((sink.shown(), sink.loss()?)));
        let losses = losses.chain(self.former_sinks.losses());
        let mut found: Vec<LosingSink> = Vec::new();
        for (sink, Loss { why, .. }) in losses {
            if found.iter().all(|one| one.sink != sink) {
                found.push(LosingSink { sink, why });
            }
        }
        found
    }
}
