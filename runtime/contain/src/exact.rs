//! Paths opened as they were planned.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

/// Opens a path of a plan, to be mounted or allowed. It was without links when the plan was made; if a part of it has
/// become one since, a server may have put it there, and it is not followed.
pub(crate) fn exact(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(CWD, path, flags, Mode::empty(), resolve)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_was_put_there_since_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("work/sub")).unwrap();
        fs::create_dir_all(root.join("keys/sub")).unwrap();
        assert!(exact(&root.join("work/sub")).is_ok());
        fs::rename(root.join("work"), root.join("moved")).unwrap();
        symlink(root.join("keys"), root.join("work")).unwrap();
        assert!(exact(&root.join("work")).is_err());
        assert!(exact(&root.join("work/sub")).is_err());
    }
}
