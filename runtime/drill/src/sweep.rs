//! Folders of drills: one each, gone at its end. What a drill that was killed has left goes when the next one begins.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

const PREFIX: &str = "sandgate-drill-";
/// Held by the drill while it runs; the kernel lets it go with the process.
const LOCK: &str = "lock";
/// The lock's name until it is held: nobody sweeps by it.
const UNLOCKED: &str = "lock.new";

/// A folder of a drill, held until dropped.
pub(crate) struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let made = folder.path().join(UNLOCKED);
        let lock = File::create_new(&made)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        // Held before it is there: a sweep never finds it free while the drill lives.
        std::fs::rename(made, folder.path().join(LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn remove(self) -> io::Result<()> {
        self.folder.close()
    }
}

/// Removes what drills of this user that were killed have left in the folder for temporary files. Returns how many.
pub fn sweep() -> usize {
    let Ok(entries) = std::env::temp_dir().read_dir() else {
        return 0;
    };
    let own = rustix::process::getuid().as_raw();
    let left = entries.flatten().filter(|entry| {
        let is_ours = std::os::unix::fs::MetadataExt::uid;
        entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && entry.metadata().is_ok_and(|meta| is_ours(&meta) == own)
    });
    left.filter(|entry| {
        // One without a lock is being made, or is none.
        let lock = File::open(entry.path().join(LOCK));
        let free =
            lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        free && std::fs::remove_dir_all(entry.path()).is_ok()
    })
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_held_for_as_long_as_it_has_its_name() -> io::Result<()> {
        let folder = Folder::new()?;
        let names: Vec<_> = folder.path().read_dir()?.flatten().collect();
        assert_eq!(names.len(), 1);
        let lock = File::open(folder.path().join(LOCK))?;
        assert!(flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
        folder.remove()
    }
}
