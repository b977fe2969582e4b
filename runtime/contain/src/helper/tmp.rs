//! A private folder on disk, for programs that have no file system of their own.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Gid, Uid, geteuid, getpid};

const PREFIX: &str = "sandgate-contained-";

/// The folder of one program. It is removed when this is dropped; what a killed helper left is removed by the next one.
#[derive(Debug)]
pub(super) struct Tmp {
    pub(super) path: PathBuf,
    /// Locked as long as the helper lives.
    _lock: File,
}

impl Tmp {
    /// Makes the folder, for this user or another.
    pub(super) fn new(user: Option<u32>) -> io::Result<Self> {
        let base = std::env::temp_dir().canonicalize()?;
        sweep(&base);
        let path = base.join(format!("{PREFIX}{}", getpid().as_raw_nonzero()));
        let _ = fs::remove_dir_all(&path);
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        make(&path)?;
        let lock = File::open(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        make(&path.join("home"))?;
        if let Some(user) = user {
            for path in [path.join("home"), path.clone()] {
                rustix::fs::chown(&path, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))?;
            }
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes the folders of helpers that are gone.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let Ok(about) = entry.metadata() else {
            continue;
        };
        let name = entry.file_name();
        let helper = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let ours = helper.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        let mine = geteuid().is_root() || about.uid() == geteuid().as_raw();
        if ours
            && mine
            && about.is_dir()
            && let Ok(folder) = File::open(entry.path())
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            remove(&entry.path());
        }
    }
}

/// Removes a folder that nobody uses any more, whatever its program made of the modes in it.
fn remove(path: &Path) {
    // Root needs no modes, and must change none by a name that somebody else may lead elsewhere.
    let mut left = match geteuid().is_root() {
        true => Vec::new(),
        false => vec![path.to_owned()],
    };
    while let Some(folder) = left.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        left.extend(folders.map(|entry| entry.path()));
    }
    let _ = fs::remove_dir_all(path);
}
