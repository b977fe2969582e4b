//! What makes the call log provable: its chain, which goes on from file to file, and its signed checkpoints.

use std::io::{self, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use rustix::fs::{FlockOperation, flock, fstat};
use sandgate_audit::{Chain, KeyError, SavedChain, SigningKey, Stamped, Tail, VerifierKey};
use sandgate_config::{Audit, FileError, Files};
use serde::{Deserialize, Serialize};

use super::payloads::private;
use super::sink::Sink;

/// The longest saved chain, in bytes: 64 hashes, some numbers, and the files that were moved away.
const MAX_SAVED: u64 = 8 << 20;
/// The most files that are remembered after they were moved away. Older ones are removed no more.
const MAX_MOVED: usize = 10_000;
/// What the records of the chain call this program.
const PROGRAM: &str = concat!("sandgate ", env!("CARGO_PKG_VERSION"));

/// Chains the lines of the call log, and signs checkpoints. Locks are taken in this order: a sink's, `state`, `written`.
#[derive(Debug)]
pub struct Auditor {
    key: ArcSwap<SigningKey>,
    written: Mutex<Written>,
    state: Mutex<State>,
}

/// What is written so far.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) chain: Chain,
    /// The file of the last line. `None`: none was written since the start.
    file: Option<FileId>,
    /// What the file held at the start, until the first line is written.
    tail: Option<Tail>,
    /// The file of the last line, also of one from before the start, and the number of its first line.
    begun: Option<(FileId, u64)>,
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

/// A checkpoint that was written.
pub(super) struct Signed {
    /// The file that it is written to.
    pub(super) file: OwnedFd,
    /// Why the chain could not be kept beside the log.
    pub(super) unsaved: Option<io::Error>,
}

/// Which file it is: its device and number.
pub(super) type FileId = (u64, u64);

#[derive(Debug, Default)]
struct State {
    /// The locks on the last two files, so that no second gateway writes one of them: that of a reload counts once the
    /// reload does.
    locks: Vec<(FileId, OwnedFd)>,
    /// The number of lines up to the last checkpoint, itself counted.
    signed: u64,
    /// Checkpoints that the anchor has not taken yet. Each stands for all lines before it, so the latest one is enough; only
    /// those that hand the log over to another key are all kept.
    unanchored: Vec<Note>,
    /// Since when checkpoints fail, and why.
    failure: Option<(SystemTime, String)>,
}

#[derive(Debug)]
struct Note {
    text: String,
    hands_over: bool,
}

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

/// A file whose lines are part of the chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) auditor: Arc<Auditor>,
    pub(super) file: FileId,
    saved: Saved,
}

/// Where the chain of a file is saved: beside the log, as `NAME.chain`.
#[derive(Clone, Debug)]
struct Saved {
    files: Files,
    log: PathBuf,
}

/// What a log goes on from: its end, the file of its last line with the number of its first one, and the files that were
/// moved away.
type Resumed = (Tail, Option<(FileId, u64)>, Vec<MovedFile>);

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

/// Why the call log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key is none.
    #[error("{}: {error}", .path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Others can read the key.
    #[error("{} can be read by others than its owner (mode {mode:03o})", .path.display())]
    Mode {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another user can read the key.
    #[error(
        "{} belongs to the user {owner}, who can read it: it has to belong to the user of the gateway, or to root",
        .path.display()
    )]
    Owner {
        /// The key's file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// A former key is none.
    #[error("`audit.former-keys[{index}]`: {error}")]
    FormerKey {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A sink cannot be used.
    #[error("`call-log.sinks[{index}]`: {why}")]
    Sink {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The saved chain is another key's.
    #[error("{} is damaged, or another key's: the gateway's key did not sign it", .0.display())]
    AnotherKey(PathBuf),
    /// Another gateway has the log.
    #[error("{} is written by another gateway: with `audit`, each needs a call log of its own", .0.display())]
    Locked(PathBuf),
    /// The saved chain is none.
    #[error("{} is damaged: {why}; move it away, and the chain begins anew, which `sandgate audit verify` shows", .path.display())]
    Saved {
        /// The file beside the log.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Auditor {
    /// Reads the key.
    ///
    /// # Errors
    ///
    /// The key cannot be read, is none, or can be read by others.
    pub fn new(config: &Audit, files: &Files) -> Result<Arc<Self>, OpenError> {
        // They verify what was signed; the log goes on from nothing that they signed.
        for (index, text) in config.former_keys.iter().enumerate() {
            VerifierKey::from_text(text).map_err(|error| OpenError::FormerKey { index, error })?;
        }
        Ok(Arc::new(Self {
            key: ArcSwap::from_pointee(signing_key(&config.key, files)?),
            written: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    /// The chain, for the one who writes a line.
    pub(super) fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock()
    }

    /// Goes on with this file: the first time from what it holds and what is saved beside it, later from the chain as
    /// it is.
    pub(super) fn sink(
        self: &Arc<Self>,
        fd: OwnedFd,
        files: &Files,
        path: &Path,
    ) -> Result<Sink, OpenError> {
        let failed = |source: io::Error| FileError::Io {
            path: files.path(path),
            what: "opened",
            source,
        };
        let stat = fstat(&fd).map_err(|error| failed(error.into()))?;
        let saved = Saved {
            files: files.clone(),
            log: path.to_owned(),
        };
        let file = (stat.st_dev, stat.st_ino);
        let mut state = self.state.lock();
        let first = state.locks.is_empty();
        if state.locks.iter().all(|(locked, _)| *locked != file) {
            let lock = fd.try_clone().map_err(failed)?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)
                .map_err(|_| OpenError::Locked(files.path(path)))?;
            state.locks.push((file, lock));
            let more = state.locks.len().saturating_sub(2);
            state.locks.drain(..more);
        }
        if first {
            let (tail, begun, moved) = saved.resume(file, self)?;
            if let Some(line) = tail.broken {
                tracing::error!(
                    line,
                    "the call log was changed: a line of it does not follow from the one before; `sandgate audit \
                     verify` says more"
                );
            }
            let mut written = self.written.lock();
            written.chain = tail.chain.clone();
            written.tail = Some(tail);
            written.begun = begun;
            written.moved = moved;
        }
        drop(state);
        Ok(Sink::new(fd).chained(Link {
            auditor: self.clone(),
            file,
            saved,
        }))
    }

    /// Signs a checkpoint over all lines so far, and writes it to the log. `None`: there are no new lines.
    pub(super) fn checkpoint(&self, sink: &mut Sink) -> io::Result<Option<Signed>> {
        let mut state = self.state.lock();
        let size = self.written.lock().chain.size();
        if size == state.signed {
            return Ok(None);
        }
        let signed = sink.own_line(|written| {
            let (stamped, note) = written.chain.checkpoint(&self.key.load(), now());
            (stamped, (note, written.chain.size() + 1))
        })?;
        let Some((note, size)) = signed else {
            return Ok(None);
        };
        state.signed = size;
        state.unanchored.pop_if(|note| !note.hands_over);
        state.unanchored.push(Note {
            text: note,
            hands_over: false,
        });
        // The note counts also where the chain cannot be kept beside the log: that only spares reading at a start.
        let saved = sink.link().map(|link| link.save(&self.written.lock()));
        Ok(Some(Signed {
            file: sink.handle()?,
            unsaved: saved.and_then(Result::err),
        }))
    }

    /// Hands the log over to another key, which signs from here on.
    ///
    /// The chain beside the log is signed by the next key before the record that says so is written: a gateway that is
    /// killed in between does not start with a key that has given the log up.
    pub(super) fn hand_over(&self, sink: &mut Sink, next: SigningKey) -> io::Result<Signed> {
        let mut state = self.state.lock();
        let key = self.key.load_full();
        sink.begin_chain()?;
        let Some(link) = sink.link().cloned() else {
            return Err(io::Error::other("the call log is in no file"));
        };
        let size = {
            let written = self.written.lock();
            link.save_by(&written, &next)?;
            written.chain.size()
        };
        let mut text = String::new();
        let result = sink.own_line(|written| {
            let (stamped, note) = written.chain.hand_over(&key, &next, now());
            text = note;
            (stamped, ())
        });
        let written = self.written.lock();
        // A line whose beginning is written is part of the log: its rest follows.
        if written.chain.size() == size {
            let _ = link.save_by(&written, &key);
            return Err(result
                .err()
                .unwrap_or_else(|| io::ErrorKind::WriteZero.into()));
        }
        self.key.store(Arc::new(next));
        state.signed = written.chain.size();
        state.unanchored.pop_if(|note| !note.hands_over);
        state.unanchored.push(Note {
            text,
            hands_over: true,
        });
        Ok(Signed {
            unsaved: link.save(&written).err(),
            file: sink.handle()?,
        })
    }

    /// The oldest checkpoint that the anchor is to take. `None`: it has all.
    pub(super) fn unanchored(&self) -> Option<String> {
        let state = self.state.lock();
        state.unanchored.first().map(|note| note.text.clone())
    }

    /// The anchor has taken this checkpoint.
    pub(super) fn anchored(&self, text: &str) {
        self.state
            .lock()
            .unanchored
            .retain(|note| note.text != text);
    }

    /// The key that verifies the checkpoints.
    pub fn verifier(&self) -> String {
        self.key.load().verifier().to_string()
    }

    /// The number of lines of the log.
    pub fn lines(&self) -> u64 {
        self.written.lock().chain.size()
    }

    /// Since when checkpoints cannot be signed, written or kept elsewhere, and why. `None`: they can.
    pub fn failure(&self) -> Option<(SystemTime, String)> {
        self.state.lock().failure.clone()
    }

    pub(super) fn set_failure(&self, why: Option<String>) {
        let mut state = self.state.lock();
        match why {
            None => state.failure = None,
            Some(why) => {
                let since = state
                    .failure
                    .as_ref()
                    .map_or_else(SystemTime::now, |(since, _)| *since);
                state.failure = Some((since, why));
            }
        }
    }
}

impl Link {
    /// Keeps the chain beside the log.
    pub(super) fn save(&self, written: &Written) -> io::Result<()> {
        self.save_by(written, &self.auditor.key.load())
    }

    fn save_by(&self, written: &Written, key: &SigningKey) -> io::Result<()> {
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
    fn resume(&self, current: FileId, auditor: &Auditor) -> Result<Resumed, OpenError> {
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

/// Reads a key that signs checkpoints.
///
/// # Errors
///
/// The key cannot be read, is none, or can be read by others.
pub(super) fn signing_key(path: &Path, files: &Files) -> Result<SigningKey, OpenError> {
    let text = private(files, path)?;
    let text = std::str::from_utf8(&text).unwrap_or_default();
    SigningKey::from_text(text).map_err(|error| OpenError::Key {
        path: files.path(path),
        error,
    })
}

/// The time as it stands in records: RFC 3339.
pub(super) fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
