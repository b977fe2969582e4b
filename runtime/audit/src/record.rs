//! The lines of a chained log: how each begins, and those that the chain writes itself.

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// The longest line that is read whole, in bytes. Of a longer one, this much is.
pub const MAX_LINE: usize = 64 << 20;
/// The most lines in a row that may be cut off. A process leaves one where it is killed.
pub(crate) const MAX_TORN: usize = 8;

/// How a line of the chain begins: `{"seq":12,"prev":"…64 digits…","record":"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The line's place in the log, from 0.
    pub(crate) seq: u64,
    /// The hash of the line before it.
    pub(crate) prev: Hash,
    /// The rest of the line, from the member after `prev`.
    pub(crate) rest: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads how the line begins. `None`: it is no line of the chain.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let comma = rest.iter().take(21).position(|byte| *byte == b',')?;
        let (digits, rest) = rest.split_at(comma);
        let digits = std::str::from_utf8(digits).ok()?;
        let seq: u64 = digits.parse().ok()?;
        if seq.to_string() != digits {
            return None;
        }
        let rest = rest.strip_prefix(b",\"prev\":\"")?;
        let (prev, rest) = rest.split_at_checked(64)?;
        let prev = Hash::from_hex(std::str::from_utf8(prev).ok()?)?;
        let rest = rest.strip_prefix(b"\",")?;
        // One that was cut off is none.
        (rest.starts_with(b"\"record\":\"") && rest.ends_with(b"}")).then_some(())?;
        Some(Self { seq, prev, rest })
    }

    pub(crate) fn write(seq: u64, prev: Hash) -> String {
        format!("{{\"seq\":{seq},\"prev\":\"{}\",", prev.hex())
    }

    /// The record that the chain itself wrote here. `None`: it is one of the log's own.
    pub(crate) fn own(&self) -> Option<Own> {
        let begins = |kind: &str| {
            self.rest
                .starts_with(format!("\"record\":\"{kind}\"").as_bytes())
        };
        if !begins(OPENED) && !begins(CHECKPOINT) && !begins(REMOVED) {
            return None;
        }
        let text = [b"{", self.rest].concat();
        Some(serde_json::from_slice(&text).unwrap_or(Own::Unreadable))
    }
}

const OPENED: &str = "opened";
const CHECKPOINT: &str = "checkpoint";
const REMOVED: &str = "removed";

/// A record of the chain's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub(crate) enum Own {
    /// The log goes on in this file: after a start, or after a rotation.
    Opened(Opened),
    /// All lines before this one, signed.
    Checkpoint {
        /// The signed note.
        note: String,
    },
    /// A file of the log is removed, since it is older than the log is kept.
    Removed(Removed),
    /// A line that begins like one of these and is none.
    #[serde(skip)]
    Unreadable,
}

/// What a file begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// RFC 3339.
    pub(crate) time: String,
    /// The program and its version.
    pub(crate) program: String,
    /// The key that verifies the checkpoints that follow.
    pub(crate) key: String,
    /// The complete subtrees of the tree over all lines before this one, largest first.
    pub(crate) peaks: Vec<Hash>,
    /// The lines before this one that were cut off: the process was killed while it wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) torn: Vec<Torn>,
}

/// A file of the log that is removed by retention, with what it holds. Older files are removed before newer ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// RFC 3339.
    pub time: String,
    /// The file's name, without its folder.
    pub file: String,
    /// The number of its first line in the log.
    pub from: u64,
    /// The number of its last line in the log.
    pub to: u64,
    /// The setting that asks for it: `max-files` or `keep`.
    pub why: String,
}

/// A line that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Torn {
    /// Its length in bytes.
    pub(crate) bytes: usize,
    /// Its hash.
    pub(crate) hash: Hash,
}

impl Torn {
    /// `None`: the line has an end, so nobody was killed while writing it.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        (!line.trim_ascii_end().ends_with(b"}")).then(|| Self {
            bytes: line.len(),
            hash: Hash::of_line(line),
        })
    }
}
