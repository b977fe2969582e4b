//! What a verification found.

use crate::key::VerifierKey;
use crate::problem::Problem;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The number of the first line of the chain that is at hand.
    pub first: Option<u64>,
    /// The number of lines of the chain.
    pub lines: u64,
    /// The number of lines before the chain began, which nothing vouches for.
    pub unchained: u64,
    /// The number of checkpoints in the log that were verified.
    pub checkpoints: u64,
    /// The time of the last checkpoint, and the number of lines of the log that it stands for.
    pub last_checkpoint: Option<(String, u64)>,
    /// The number of lines that were cut off when a process was killed, as the lines after them say.
    pub torn: u64,
    /// The number of anchored checkpoints that agree with the log.
    pub anchors_met: u64,
    /// The number of lines of the log: of the last line at hand and all before it.
    pub size: u64,
    /// What retention removed, as records say for which a checkpoint vouches: the one that removed the newest lines.
    pub retention: Option<Retention>,
    /// Where the log was handed over to another key.
    pub key_changes: Vec<KeyChange>,
    /// What is wrong, in the order of the lines. At most ten.
    pub problems: Vec<Problem>,
}

/// What retention removed: the oldest lines of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The number of the last line that was removed. All lines before it were too, or were due to be.
    pub to: u64,
    /// The number of the record that says so.
    pub said_at: u64,
    /// The setting that asked for it: `max-files` or `keep`.
    pub why: String,
    /// The number of lines of the first checkpoint that vouches for the record.
    pub checkpoint: u64,
}

/// Where a key handed the log over to the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The number of the line that says so.
    pub line: u64,
    /// RFC 3339.
    pub time: String,
    /// The key that gave the log up, and signed that.
    pub from: VerifierKey,
    /// The key that signs the lines after it.
    pub to: VerifierKey,
}
