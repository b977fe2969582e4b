//! Files that were moved away are put on disk outside of calls, and before anything says that they are there.

use std::io;
use std::os::fd::OwnedFd;

use parking_lot::Mutex;

use super::CallLogWriter;
use super::sink::Sink;

/// The most files that wait to be put on disk. A call waits for a further one.
const MOST: usize = 4;

/// Files that may not be on disk yet.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    files: Mutex<Vec<OwnedFd>>,
    /// Held while files are put on disk, so that nobody takes the empty list for all files being there.
    syncing: Mutex<()>,
}

impl CallLogWriter {
    /// Remembers that the sink's file gets no further lines, and is to be on disk before a checkpoint over it counts.
    pub(super) fn sync_later(&self, sink: &Sink) {
        let Some(file) = self.auditor.as_ref().and_then(|_| sink.handle().ok()) else {
            return;
        };
        let mut files = self.unsynced.files.lock();
        match files.len() < MOST {
            true => files.push(file),
            false => {
                drop(files);
                let _ = rustix::fs::fdatasync(file);
            }
        }
    }

    /// Puts the files on disk that were moved away, also the one that is moved away just now.
    pub(super) fn sync_moved(&self) -> io::Result<()> {
        if let Some(sink) = &self.target.load().sink {
            // Whoever moves a file holds this from its last checkpoint on until it is among those that wait.
            drop(sink.lock());
        }
        let _syncing = self.unsynced.syncing.lock();
        let files = std::mem::take(&mut *self.unsynced.files.lock());
        for file in files {
            rustix::fs::fdatasync(file)?;
        }
        Ok(())
    }
}
