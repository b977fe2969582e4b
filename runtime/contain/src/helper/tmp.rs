//! A private folder on disk, for programs that have no file system of their own.
//!
//! What lies in it is the program's, and so are the links. It is removed by descriptors: no name in it is followed.

use std::ffi::{CStr, CString};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, fchown, flock, mkdirat, openat, renameat,
    unlinkat,
};
use rustix::process::{Gid, Uid, geteuid, getpid};

/// The folder in which those of one user's helpers lie; its number follows.
const BASE: &str = "sandgate-contained-";
/// What folders within another are called once they lie beside it; a number follows.
const MOVED: &str = "left-";

/// The folder of one program. It is removed when this is dropped; what a killed helper left is removed by the next one.
#[derive(Debug)]
pub(super) struct Tmp {
    pub(super) path: PathBuf,
    base: OwnedFd,
    name: CString,
    /// Locked as long as the helper lives.
    _lock: OwnedFd,
}

impl Tmp {
    /// Makes the folder, for this user or another.
    pub(super) fn new(user: Option<u32>) -> io::Result<Self> {
        Self::below(&std::env::temp_dir().canonicalize()?, user)
    }

    fn below(place: &Path, user: Option<u32>) -> io::Result<Self> {
        let path = place.join(format!("{BASE}{}", geteuid().as_raw()));
        let base = private(&path, user.is_some())?;
        sweep(&base);
        let mut random = [0; 8];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let name = format!(
            "{}-{:016x}",
            getpid().as_raw_nonzero(),
            u64::from_ne_bytes(random)
        );
        let path = path.join(&name);
        let name = CString::new(name)?;
        mkdirat(&base, &name, Mode::RWXU)?;
        let lock = openat(&base, &name, FOLDER | OFlags::RDONLY, Mode::empty())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        mkdirat(&lock, c"home", Mode::RWXU)?;
        if let Some(user) = user {
            let home = openat(&lock, c"home", FOLDER | OFlags::RDONLY, Mode::empty())?;
            for folder in [&home, &lock] {
                fchown(folder, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))?;
            }
        }
        Ok(Self {
            path,
            base,
            name,
            _lock: lock,
        })
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        remove(&self.base, &self.name);
    }
}

/// A folder itself, and not where a link leads.
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The folder of this user's helpers, which nobody else may list or change; others may go through, where they must.
fn private(path: &Path, others: bool) -> io::Result<OwnedFd> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let base = File::from(openat(CWD, path, FOLDER | OFlags::RDONLY, Mode::empty())?);
    if base.metadata()?.uid() != geteuid().as_raw() {
        let why = format!(
            "{} belongs to another user: remove it, or set TMPDIR",
            path.display()
        );
        return Err(io::Error::other(why));
    }
    let mode = if others { 0o711 } else { 0o700 };
    base.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(base.into())
}

/// Removes the folders of helpers that are gone.
fn sweep(base: &OwnedFd) {
    for name in names(base) {
        let helper = name.to_str().ok().and_then(|name| name.split_once('-'));
        let gone = helper.is_some_and(|(pid, _)| !Path::new("/proc").join(pid).exists());
        // Whoever holds the lock lives, in another namespace of processes.
        if gone
            && let Ok(folder) = openat(base, &name, FOLDER | OFlags::RDONLY, Mode::empty())
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            remove(base, &name);
        }
    }
}

/// What a folder holds.
fn names(folder: impl AsFd) -> Vec<CString> {
    let opened = openat(folder, c".", FOLDER | OFlags::RDONLY, Mode::empty());
    let entries = opened.and_then(Dir::new).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_owned());
    names
        .filter(|name| name.as_c_str() != c"." && name.as_c_str() != c"..")
        .collect()
}

/// Opens a folder to be emptied, whatever its program made of its mode.
fn emptied(parent: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    let folder = openat(parent, name, FOLDER | OFlags::PATH, Mode::empty())?;
    // Root needs no modes. Others reach the very folder by the descriptor, whatever its name leads to by now.
    if !geteuid().is_root() {
        let itself = format!("/proc/self/fd/{}", folder.as_raw_fd());
        fs::set_permissions(itself, fs::Permissions::from_mode(0o700))?;
    }
    Ok(folder)
}

/// Removes a folder that nobody uses any more. Folders in folders are moved up first: they may lie deeper than
/// descriptors and the stack reach.
fn remove(base: &OwnedFd, name: &CStr) {
    let Ok(top) = emptied(base, name) else { return };
    let mut moved = 0_u64;
    loop {
        let mut done = false;
        for entry in names(&top) {
            if unlinkat(&top, &entry, AtFlags::empty()).is_ok() {
                done = true;
                continue;
            }
            let Ok(folder) = emptied(&top, &entry) else {
                continue;
            };
            for child in names(&folder) {
                if unlinkat(&folder, &child, AtFlags::empty()).is_ok() {
                    done = true;
                } else if emptied(&folder, &child).is_ok() {
                    moved += 1;
                    let up = format!("{MOVED}{moved}");
                    // Where the program took the name, the next one is tried in the next round.
                    done |= renameat(&folder, &child, &top, up).is_ok();
                }
            }
            done |= unlinkat(&top, &entry, AtFlags::REMOVEDIR).is_ok();
        }
        if !done {
            break;
        }
    }
    let _ = unlinkat(base, name, AtFlags::REMOVEDIR);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_a_link_leads_to_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let others = place.path().join("others");
        fs::create_dir(&others).unwrap();
        fs::write(others.join("file"), "kept").unwrap();
        fs::set_permissions(&others, fs::Permissions::from_mode(0o755)).unwrap();
        let tmp = Tmp::below(place.path(), None).unwrap();
        let path = tmp.path.clone();
        symlink(&others, path.join("link")).unwrap();
        fs::create_dir(path.join("folder")).unwrap();
        symlink(&others, path.join("folder/link")).unwrap();
        fs::write(path.join("left-1"), "taken").unwrap();
        fs::create_dir_all(path.join("folder/a/b/c")).unwrap();
        fs::set_permissions(path.join("folder/a/b"), fs::Permissions::from_mode(0o0)).unwrap();
        drop(tmp);
        assert!(!path.exists());
        assert_eq!(mode(&others), 0o755);
        assert_eq!(fs::read_to_string(others.join("file")).unwrap(), "kept");
    }

    #[test]
    fn folders_of_helpers_that_are_gone_are_swept_and_links_beside_them_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let others = place.path().join("others");
        fs::create_dir_all(others.join("home")).unwrap();
        fs::set_permissions(&others, fs::Permissions::from_mode(0o755)).unwrap();
        let base = place.path().join(format!("{BASE}{}", geteuid().as_raw()));
        // No process has such a number.
        fs::create_dir_all(base.join("99999999-left/home")).unwrap();
        symlink(&others, base.join("99999998-link")).unwrap();
        let tmp = Tmp::below(place.path(), None).unwrap();
        assert!(!base.join("99999999-left").exists());
        assert!(others.join("home").exists());
        assert_eq!(mode(&others), 0o755);
        assert_eq!(mode(&base), 0o700);
        drop(tmp);
    }

    #[test]
    fn a_base_that_is_a_link_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let others = place.path().join("others");
        fs::create_dir(&others).unwrap();
        fs::set_permissions(&others, fs::Permissions::from_mode(0o755)).unwrap();
        let base = format!("{BASE}{}", geteuid().as_raw());
        symlink(&others, place.path().join(base)).unwrap();
        assert!(Tmp::below(place.path(), None).is_err());
        assert_eq!(mode(&others), 0o755);
        assert_eq!(fs::read_dir(&others).unwrap().count(), 0);
    }

    #[test]
    fn what_lies_deeper_than_descriptors_reach_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let tmp = Tmp::below(place.path(), None).unwrap();
        let path = tmp.path.clone();
        let mut folder = openat(&tmp.base, &tmp.name, FOLDER, Mode::empty()).unwrap();
        for _ in 0..2000 {
            mkdirat(&folder, c"a", Mode::RWXU).unwrap();
            folder = openat(&folder, c"a", FOLDER, Mode::empty()).unwrap();
        }
        drop(folder);
        drop(tmp);
        assert!(!path.exists());
    }
}
