//! The end of the chain, signed, in a file beside the log: from it the log goes on at the next start.

use std::io::{self, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandgate_audit::{Chain, SavedChain, SigningKey, Tail};
use sandgate_config::{FileError, Files};
use serde::{Deserialize, Serialize};

use super::audit::Auditor;
use super::open_error::OpenError;
use super::written::{FileId, MovedFile, Written};

/// The longest saved chain, in bytes: 64 hashes, some numbers, and the files that were moved away.
const MAX_SAVED: u64 = 8 << 20;

/// A file whose lines are part of the chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) auditor: Arc<Auditor>,
    pub(super) file: FileId,
    pub(super) saved: Saved,
}

/// Where the chain of a file is saved: beside the log, as `NAME.chain`.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    pub(super) files: Files,
    pub(super) log: PathBuf,
}

/// What a log goes on from: its end, the file of its last line with the number of its first one, and the files that were
/// moved away.
pub(super) type Resumed = (Tail, Option<(FileId, u64)>, Vec<MovedFile>);

/// The content of the file beside the log.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    /// The log's file whose lines the chain has. It may have another name by now.
    file: FileId,
    /// The number of its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    chain: SavedChain,
    /// The files that were moved away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    moved: Vec<MovedFile>,
    /// The gateway's signature of all of it. Without it, whoever can write here could have the gateway sign a log of theirs.
    signature: String,
}

impl Beside {
    fn about((device, number): FileId, from: Option<u64>, moved: &[MovedFile]) -> String {
        let mut about = format!("file {device}:{number}");
        if from.is_some() || !moved.is_empty() {
            let more = serde_json::to_string(&(from, moved)).unwrap_or_default();
            about = format!("{about}\nmoved {more}");
        }
        about
    }
}

impl Link {
    /// Keeps the chain beside the log.
    pub(super) fn save(&self, written: &Written) -> io::Result<()> {
        self.save_by(written, &self.auditor.key.load())
    }

    pub(super) fn save_by(&self, written: &Written, key: &SigningKey) -> io::Result<()> {
        let chain = written.chain.saved();
        let begun = written.begun.filter(|(file, _)| *file == self.file);
        let from = begun.map(|(_, from)| from);
        let moved = written.moved.clone();
        let beside = Beside {
            signature: chain.sign(&Beside::about(self.file, from, &moved), key),
            file: self.file,
            from,
            chain,
            moved,
        };
        self.saved.write(&beside).map_err(io::Error::other)
    }
}

impl Saved {
    fn path(&self) -> PathBuf {
        let mut beside = self.log.as_os_str().to_owned();
        beside.push(".chain");
        beside.into()
    }

    /// The chain to the end of the log, of which `current` is the file now; which file the last line is in, with the number
    /// of its first line; and the files that were moved away.
    pub(super) fn resume(&self, current: FileId, auditor: &Auditor) -> Result<Resumed, OpenError> {
        let Some(beside) = self.read(auditor)? else {
            let content = BufReader::new(self.files.open_read(&self.log)?);
            if sandgate_audit::first_number(content).is_ok_and(|first| first.is_some()) {
                // Nothing vouches for these lines, so the gateway does not sign them.
                tracing::error!(
                    "the chain of the call log begins anew: {} is missing, which said where it ends",
                    self.files.path(&self.path()).display()
                );
            }
            return Ok(Resumed::default());
        };
        let begun = beside.from.map(|from| (beside.file, from));
        let tail = self.tail_after(beside.file, beside.chain, current)?;
        Ok((tail, begun, beside.moved))
    }

    /// The chain from what was saved of it, where `file` had its last lines, to the end of the log.
    fn tail_after(
        &self,
        file: FileId,
        chain: SavedChain,
        current: FileId,
    ) -> Result<Tail, OpenError> {
        // Where the file was moved while no gateway ran, it may have more lines than the chain that was saved.
        let moved = match file == current {
            true => None,
            false => self.named(file),
        };
        let Some(moved) = moved else {
            return self.tail(Some(chain), &self.log);
        };
        let moved = self.tail(Some(chain), &moved)?;
        let tail = self.tail(Some(moved.chain.saved()), &self.log)?;
        Ok(tail.after(moved))
    }

    fn tail(&self, kept: Option<SavedChain>, path: &Path) -> Result<Tail, OpenError> {
        let content = BufReader::new(self.files.open_read(path)?);
        let tail = Chain::resume(kept, content).map_err(|source| FileError::Io {
            path: self.files.path(path),
            what: "read",
            source,
        })?;
        Ok(tail)
    }

    /// The file of this number in the log's folder.
    fn named(&self, file: FileId) -> Option<PathBuf> {
        let folder = self.files.path(&self.log).parent()?.to_owned();
        let mut entries = std::fs::read_dir(folder).ok()?.flatten();
        let found = entries.find(|entry| {
            let stat = entry.metadata();
            stat.is_ok_and(|stat| (stat.dev(), stat.ino()) == file && stat.is_file())
        });
        found.map(|entry| entry.path())
    }

    fn read(&self, auditor: &Auditor) -> Result<Option<Beside>, OpenError> {
        let damaged = |why: String| OpenError::Saved {
            path: self.files.path(&self.path()),
            why,
        };
        let bytes = match self.files.read(&self.path(), MAX_SAVED) {
            Ok(bytes) => bytes,
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(damaged(error.to_string())),
        };
        let read: Result<Beside, _> = serde_json::from_slice(&bytes);
        let beside = read.map_err(|error| damaged(error.to_string()))?;
        let about = Beside::about(beside.file, beside.from, &beside.moved);
        // A former key's signature does not count: somebody else may have that key by now.
        let key = auditor.key.load();
        match beside
            .chain
            .is_signed(&about, key.verifier(), &beside.signature)
        {
            true => Ok(Some(beside)),
            false => Err(OpenError::AnotherKey(self.files.path(&self.path()))),
        }
    }

    fn write(&self, beside: &Beside) -> Result<(), FileError> {
        let text = serde_json::to_vec(beside).unwrap_or_default();
        self.files.write_whole(&self.path(), &text)
    }
}
