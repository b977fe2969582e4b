//! How many records went to a collector.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of records of one signal, by what became of them.
#[derive(Debug, Default)]
pub(crate) struct ExportCounts {
    sent: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl ExportCounts {
    /// The counters with their labels: `sent` (taken by the collector), `dropped` (no room in the queue), `failed` (not
    /// taken).
    pub(crate) fn counters(&self) -> [(&'static str, &AtomicU64); 3] {
        [
            ("sent", &self.sent),
            ("dropped", &self.dropped),
            ("failed", &self.failed),
        ]
    }

    /// Counts records for which there was no room.
    pub(crate) fn drop_records(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }

    /// Counts a batch that the collector answered: how many it was sent, and how many of these it rejected.
    pub(crate) fn answer(&self, count: u64, rejected: u64) {
        let rejected = rejected.min(count);
        self.sent.fetch_add(count - rejected, Ordering::Relaxed);
        self.failed.fetch_add(rejected, Ordering::Relaxed);
    }

    /// Counts records that the collector did not take.
    pub(crate) fn fail_records(&self, count: u64) {
        self.failed.fetch_add(count, Ordering::Relaxed);
    }
}
