//! What the chain has so far: its end, the file of its last line, and the files that were moved away.

use std::time::SystemTime;

use sandgate_audit::{Chain, Stamped, Tail};
use serde::{Deserialize, Serialize};

use super::saved_chain::Link;

/// The most files that are remembered after they were moved away. Older ones are removed no more.
const MAX_MOVED: usize = 10_000;
/// What the records of the chain call this program.
const PROGRAM: &str = concat!("sandgate ", env!("CARGO_PKG_VERSION"));

/// What is written so far.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) chain: Chain,
    /// The file of the last line. `None`: none was written since the start.
    pub(super) file: Option<FileId>,
    /// What the file held at the start, until the first line is written.
    pub(super) tail: Option<Tail>,
    /// The file of the last line, also of one from before the start, and the number of its first line.
    pub(super) begun: Option<(FileId, u64)>,
    /// The files that the gateway has moved away, the oldest first.
    pub(super) moved: Vec<MovedFile>,
}

/// A file of the log that the gateway has moved away. What is removed one day is decided by this, and not by what its folder
/// says of it: others may write there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MovedFile {
    /// Its name, without its folder.
    pub(super) name: String,
    pub(super) file: FileId,
    /// The numbers of its first and its last line in the log.
    pub(super) from: u64,
    pub(super) to: u64,
    /// In milliseconds since 1970.
    pub(super) moved_at: u64,
    /// Whether a record says that it is removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) recorded: bool,
}

/// Which file it is: its device and number.
pub(super) type FileId = (u64, u64);

impl Written {
    /// The record with which the chain goes on in this file. `None`: its last line stands in this file.
    pub(super) fn opening(&self, link: &Link) -> Option<Stamped> {
        if self.file == Some(link.file) {
            return None;
        }
        let key = &**link.auditor.key.load();
        Some(match &self.tail {
            Some(tail) => tail.opened(PROGRAM, key, now()),
            None => self.chain.opened(PROGRAM, key, now()),
        })
    }

    pub(super) fn add(&mut self, stamped: &Stamped, link: Option<&Link>) {
        let number = self.chain.size();
        self.chain.add(stamped);
        self.file = link.map(|link| link.file);
        self.tail = None;
        if let Some(file) = self.file
            && self.begun.is_none_or(|(begun, _)| begun != file)
        {
            self.begun = Some((file, number));
        }
    }

    /// Remembers that the file of the last line gets this name. False: none of its lines is part of the chain.
    pub(super) fn move_away(&mut self, name: String) -> bool {
        let (Some((file, from)), Some(to)) = (self.begun, self.chain.size().checked_sub(1)) else {
            return false;
        };
        if self.file != Some(file) {
            return false;
        }
        self.moved.retain(|moved| moved.file != file);
        let more = (self.moved.len() + 1).saturating_sub(MAX_MOVED);
        self.moved.drain(..more);
        let moved_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.moved.push(MovedFile {
            name,
            file,
            from,
            to,
            moved_at: u64::try_from(moved_at.unwrap_or_default().as_millis()).unwrap_or(0),
            recorded: false,
        });
        true
    }
}

/// The time as it stands in records: RFC 3339.
pub(super) fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
