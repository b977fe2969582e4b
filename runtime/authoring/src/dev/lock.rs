//! The lock that allows one `dev` for each project: two would write the same files and undo each other's work.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The file below `target/` in which the lock's holder writes its process id.
const HOLDER: &str = "dev.pid";

/// Held for as long as `dev` runs. The kernel releases the lock with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    /// The project's folder. Unlike a file in it, it is not removed by cleaning up.
    _folder: File,
    holder: PathBuf,
}

/// Why the lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another `dev` holds the lock.
    #[error(
        "another `sandgate plugin dev` works in {}{}: end that one first",
        .folder.display(),
        .process.as_ref().map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    Held {
        /// The project's folder.
        folder: PathBuf,
        /// The process id of the other `dev`, if known.
        process: Option<String>,
    },
    /// The operating system reports an error.
    #[error("{} cannot be {what}: {error}", path.display())]
    Io {
        /// The folder, or a file in it.
        path: PathBuf,
        /// The failed action: `opened`, `locked`, `made` or `written`.
        what: &'static str,
        /// The cause.
        error: io::Error,
    },
}

impl Lock {
    /// Takes the lock, or fails with its holder.
    pub(super) fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |path: &Path, what| {
            let path = path.to_owned();
            move |error| LockError::Io { path, what, error }
        };
        let opened = File::open(folder).map_err(failed(folder, "opened"))?;
        let target = folder.join("target");
        let holder = target.join(HOLDER);
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let said = fs::read_to_string(&holder).unwrap_or_default();
                let number =
                    |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    process: Some(said.trim().to_owned()).filter(|text| number(text)),
                });
            }
            Err(error) => return Err(failed(folder, "locked")(error.into())),
        }
        fs::create_dir_all(&target).map_err(failed(&target, "made"))?;
        fs::write(&holder, format!("{}\n", std::process::id()))
            .map_err(failed(&holder, "written"))?;
        Ok(Self {
            _folder: opened,
            holder,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is_and_gets_it_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let told = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(
            told.contains(&format!("(process {})", std::process::id())),
            "{told}"
        );
        // Cleaning up does not let a second `dev` in.
        fs::remove_dir_all(folder.path().join("target")).unwrap();
        let told = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(told.contains("end that one first"), "{told}");
        drop(first);
        drop(Lock::take(folder.path()).unwrap());
        assert!(!folder.path().join("target/dev.pid").exists());
    }
}
