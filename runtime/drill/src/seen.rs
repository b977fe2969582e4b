//! What came of a call.

use std::time::Duration;

use sandgate_text::printable;

use crate::client::Answer;
use crate::records::{Detection, Record};

/// The most that a report says of who saw a call.
const MOST: usize = 8;
/// The longest of these texts, in characters: names and codes are plugins' own.
const LONGEST: usize = 160;

/// What came of a call.
pub(crate) struct Seen {
    pub(crate) answer: Answer,
    /// How many calls the stand-in had heard before.
    pub(crate) heard_before: usize,
    pub(crate) record: Option<Record>,
    pub(crate) detections: Vec<Detection>,
    pub(crate) alerts: Vec<String>,
}

impl Seen {
    /// Who did or noticed something, for people.
    pub(crate) fn by(&self) -> Vec<String> {
        let all = self.detections.iter().map(|one| match one.code.is_empty() {
            true => format!("{} {}", one.by, one.did),
            false => format!("{} {}: {}", one.by, one.did, one.code),
        });
        let short = |text: String| printable(&text).chars().take(LONGEST).collect();
        all.take(MOST).map(short).collect()
    }
}

pub(crate) fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX)
}
