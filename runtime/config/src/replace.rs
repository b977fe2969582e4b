//! Rewrites a configuration file: as a whole or not at all, and never over changes that somebody else made meanwhile.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::files::{FileError, Files, enter};

impl Files {
    /// Replaces a file that holds `before` by `content`. With `keep`, `before` is kept beside it under the file's name
    /// with that suffix, and the kept file's path is returned. A link is followed and stays. The file keeps its owner,
    /// group and mode.
    ///
    /// # Errors
    ///
    /// Nothing has changed: the file holds something else by now, or the operating system reports an error, for example
    /// because the file belongs to another user.
    pub fn replace(
        &self,
        path: &Path,
        before: &str,
        content: &str,
        keep: Option<&str>,
    ) -> Result<Option<PathBuf>, FileError> {
        let path = self.path(path);
        let replaced = || {
            let real = std::fs::canonicalize(&path)?;
            let (dir, name) = enter(&real)?;
            let like = holding(&dir, name, before)?;
            let kept = keep.map(|end| {
                let mut longer = name.to_owned();
                longer.push(end);
                longer
            });
            if let Some(kept) = &kept {
                write(&dir, kept, before, &like)?;
            }
            write(&dir, name, content, &like)?;
            // The file is in place by now. Syncing the directory is for a power cut.
            let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let _ =
                rustix::fs::openat(&dir, ".", folder, Mode::empty()).and_then(rustix::fs::fsync);
            Ok(kept.map(|kept| real.with_file_name(kept)))
        };
        replaced().map_err(|source: io::Error| FileError::Io {
            path: path.clone(),
            what: "written",
            source,
        })
    }
}

impl Files {
    /// Writes a file, all or nothing, readable by its owner only. It is on disk before this returns. A link of that name
    /// is replaced, not followed.
    ///
    /// # Errors
    ///
    /// The operating system reports an error. The file is as it was.
    pub fn put(&self, path: &Path, content: &str) -> Result<(), FileError> {
        let path = self.path(path);
        let put = || {
            let (dir, name) = enter(&path)?;
            let aside = aside(name);
            // Left by a process of this number that died meanwhile.
            let _ = dir.remove_file(&aside);
            let mut file = dir.open_with(&aside, &fresh())?;
            let written = file
                .write_all(content.as_bytes())
                .and_then(|()| file.sync_all())
                .and_then(|()| dir.rename(&aside, &dir, name));
            if written.is_err() {
                let _ = dir.remove_file(&aside);
            }
            written?;
            let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let synced =
                rustix::fs::openat(&dir, ".", folder, Mode::empty()).and_then(rustix::fs::fsync);
            Ok(synced?)
        };
        put().map_err(|source: io::Error| FileError::Io {
            path: path.clone(),
            what: "written",
            source,
        })
    }
}

/// The name under which a file is written before it takes its place.
fn aside(name: &OsStr) -> OsString {
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}", std::process::id()));
    aside
}

fn fresh() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

/// Checks that the file holds exactly `before`, and returns its metadata.
fn holding(dir: &Dir, name: &OsStr, before: &str) -> io::Result<Metadata> {
    let file = dir.open(name)?;
    let like = file.metadata()?;
    if !like.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut held = Vec::new();
    file.take(before.len() as u64 + 1).read_to_end(&mut held)?;
    if held != before.as_bytes() {
        return Err(io::Error::other("somebody else has changed it meanwhile"));
    }
    Ok(like)
}

/// Writes under another name first, so that a reader finds either the old file or the new one.
fn write(dir: &Dir, name: &OsStr, content: &str, like: &Metadata) -> io::Result<()> {
    let aside = aside(name);
    let mut file = dir.open_with(&aside, &fresh())?;
    let written = filled(&mut file, content, like).and_then(|()| dir.rename(&aside, dir, name));
    if written.is_err() {
        let _ = dir.remove_file(&aside);
    }
    written
}

fn filled(file: &mut File, content: &str, like: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        let (owner, group) = (Uid::from_raw(like.uid()), Gid::from_raw(like.gid()));
        rustix::fs::fchown(&*file, Some(owner), Some(group))?;
    }
    rustix::fs::fchmod(&*file, Mode::from_raw_mode(like.mode() & 0o7777))?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path());
        (folder, files)
    }

    #[test]
    fn a_file_keeps_its_mode_and_what_it_held_stays_beside_it() {
        let (folder, files) = folder();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let kept = files.replace(Path::new("a.toml"), "old", "new", Some(".before"));
        let kept = kept.unwrap().unwrap();
        assert!(kept.ends_with("a.toml.before"), "{}", kept.display());
        for (path, content) in [(&path, "new"), (&kept, "old")] {
            assert_eq!(std::fs::read_to_string(path).unwrap(), content);
            assert_eq!(
                path.metadata().unwrap().permissions().mode() & 0o7777,
                0o640
            );
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_keeps_its_owner() {
        let (folder, files) = folder();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "old").unwrap();
        // Only some users may give a file away. The file's owner stays in either case.
        let _ = chown(&path, Some(4_321), Some(4_322));
        let owner = || {
            let metadata = path.metadata().unwrap();
            (metadata.uid(), metadata.gid())
        };
        let before = owner();
        files
            .replace(Path::new("a.toml"), "old", "new", None)
            .unwrap();
        assert_eq!(owner(), before);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_nothing_behind() {
        let (folder, files) = folder();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "old").unwrap();
        std::fs::create_dir(folder.path().join("a.toml.before")).unwrap();
        let error = files.replace(Path::new("a.toml"), "old", "new", Some(".before"));
        assert!(error.unwrap_err().to_string().contains("cannot be written"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let (folder, files) = folder();
        std::fs::write(folder.path().join("a.toml"), "older").unwrap();
        let error = files.replace(Path::new("a.toml"), "old", "new", Some(".before"));
        assert!(error.unwrap_err().to_string().contains("meanwhile"));
        let held = std::fs::read_to_string(folder.path().join("a.toml")).unwrap();
        assert_eq!(held, "older");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_and_the_file_that_it_leads_to_is_written() {
        let (folder, files) = folder();
        let elsewhere = tempfile::tempdir().unwrap();
        let real = elsewhere.path().join("real.toml");
        std::fs::write(&real, "old").unwrap();
        symlink(&real, folder.path().join("a.toml")).unwrap();
        files
            .replace(Path::new("a.toml"), "old", "new", None)
            .unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert!(folder.path().join("a.toml").is_symlink());
    }
}
