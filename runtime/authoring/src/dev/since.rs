//! The time that a version took.

use std::time::{Duration, SystemTime};

use super::sources::Saved;

/// The moment from which a version's time counts.
pub(super) struct Since {
    at: SystemTime,
    what: &'static str,
}

impl Since {
    pub(super) fn start() -> Self {
        Self {
            at: SystemTime::now(),
            what: "the start",
        }
    }

    pub(super) fn key() -> Self {
        Self {
            at: SystemTime::now(),
            what: "the key",
        }
    }

    /// Counts from the file's own time, unless that is not recent: the file system's clock may differ.
    pub(super) fn save(saved: &Saved) -> Self {
        const SOON: Duration = Duration::from_secs(5);
        let now = SystemTime::now();
        let near = now.duration_since(saved.at).is_ok_and(|age| age < SOON);
        Self {
            at: if near { saved.at } else { now },
            what: "the save",
        }
    }

    pub(super) fn told(&self) -> String {
        let age = self.at.elapsed().unwrap_or_default();
        format!("{} after {}", lasting(age), self.what)
    }
}

pub(super) fn lasting(time: Duration) -> String {
    match time.as_millis() {
        short @ 0..1000 => format!("{short} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
