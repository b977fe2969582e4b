//! What makes the call log provable: its chain, which goes on from file to file, and its signed checkpoints.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use rustix::fs::{FlockOperation, flock, fstat};
use sandgate_audit::{SigningKey, VerifierKey};
use sandgate_config::{Audit, FileError, Files};

use super::open_error::OpenError;
use super::payloads::private;
use super::saved_chain::{Link, Saved};
use super::sink::Sink;
use super::written::{FileId, Written, now};

/// Chains the lines of the call log, and signs checkpoints. Locks are taken in this order: a sink's, `state`, `written`.
#[derive(Debug)]
pub struct Auditor {
    pub(super) key: ArcSwap<SigningKey>,
    written: Mutex<Written>,
    state: Mutex<State>,
}

/// A checkpoint that was written.
pub(super) struct Signed {
    /// The file that it is written to.
    pub(super) file: OwnedFd,
    /// Why the chain could not be kept beside the log.
    pub(super) unsaved: Option<io::Error>,
}

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
