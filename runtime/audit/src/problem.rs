//! What is wrong with a log, and where.

use std::fmt;

use crate::checkpoint::CheckpointError;
use crate::key::VerifierKey;

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line.
    pub place: Place,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What is wrong with a line. Numbers of lines are those of the log, from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// Its hash is not the one that other lines hold.
    #[error(
        "was changed after it was written: it does not have the hash that the log holds for it"
    )]
    Changed,
    /// It is the last line, or the one before it, that was changed.
    #[error(
        "or the line before it was changed after it was written: their hashes do not fit, and no line after them says which"
    )]
    ChangedOrBefore,
    /// Lines before it are not there.
    #[error(
        "stands after a gap: lines {from} to {to} of the log were removed or are in a file that was not given"
    )]
    Missing {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// It stands elsewhere than it was written.
    #[error("is in the wrong place: it is line {seq} of the log, and line {expected} belongs here")]
    Misplaced {
        /// The number that it has.
        seq: u64,
        /// The number that belongs here.
        expected: u64,
    },
    /// It is no line of the chain.
    #[error("is no line of the chain: it was put in or changed")]
    PutIn,
    /// The chain begins a second time.
    #[error(
        "begins the chain anew: the file beside the log in which the gateway keeps its end was lost or removed, or a second gateway writes this log"
    )]
    Restarted,
    /// A checkpoint has another root than the lines before it.
    #[error(
        "is a checkpoint that does not fit the lines before it: one of them, after line {after} of the log, was changed together with all hashes that follow"
    )]
    Rewritten {
        /// The last line for which another checkpoint vouches.
        after: u64,
    },
    /// A checkpoint does not count.
    #[error("is a checkpoint that does not count: {0}")]
    Checkpoint(CheckpointError),
    /// An anchored checkpoint has another root.
    #[error(
        "is the last of {0} lines for which the anchor has another root: the log was written anew, up to here or before"
    )]
    Anchor(u64),
    /// The largest anchored checkpoint was not met.
    #[error(
        "is the last one, and at none of these lines the log fits the anchor's checkpoint over {0} lines: they are not those that the gateway wrote, or the ones around it are missing"
    )]
    Unanchored(u64),
    /// The last checkpoint is by another key than the one that signs the log.
    #[error(
        "is the last checkpoint, signed by {0}, and no checkpoint hands the log over from there to the key that signs it now"
    )]
    NotCurrent(VerifierKey),
    /// Nobody has signed anything.
    #[error(
        "is the last one, and no checkpoint vouches for any of these lines: there is none yet, or they were written anew by somebody without the key"
    )]
    Unsigned,
    /// The log is shorter than the anchor says.
    #[error(
        "is the last line, number {last} of the log, and the anchor knows {anchored} lines: the end was cut off"
    )]
    Cut {
        /// The number of the last line.
        last: u64,
        /// The number of lines that the anchor knows.
        anchored: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line } = &self.place;
        write!(f, "{file}:{line}: this line {}", self.kind)
    }
}
