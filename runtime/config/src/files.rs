//! The one place that turns a path of the configuration into an open file. An operator's path may lead anywhere. What
//! is opened is a name within the directory that it leads to, so that a link put there later leads nowhere else.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};

/// Opening a named pipe would otherwise wait for its other end, perhaps forever.
const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// Opens the configuration's paths. Relative paths are relative to its folder.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system reports an error.
    #[error("{} cannot be {what}: {source}", .path.display())]
    Io {
        /// The path that was opened.
        path: PathBuf,
        /// The failed action: `opened`, `read` or `written`.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The file exceeds the limit for files of its kind.
    #[error("{} is larger than {limit} bytes", .path.display())]
    TooLarge {
        /// The file's path.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
}

impl Files {
    /// Resolves relative paths against this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Resolves relative paths against the folder of this file.
    pub fn beside(file: &Path) -> Self {
        match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => Self::in_folder(folder),
            _ => Self::in_folder(Path::new(".")),
        }
    }

    /// The path on disk of a path of the configuration.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Reads the whole content. The file is opened once, so that what is checked is what is used.
    ///
    /// # Errors
    ///
    /// The file does not exist, cannot be read, is not a regular file, or is larger than `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
        let path = self.path(path);
        let failed = |what| {
            let path = path.clone();
            move |source| FileError::Io { path, what, source }
        };
        let real = std::fs::canonicalize(&path).map_err(failed("opened"))?;
        let (dir, name) = enter(&real).map_err(failed("opened"))?;
        let file = dir
            .open_with(name, OpenOptions::new().read(true).custom_flags(NO_WAIT))
            .map_err(failed("opened"))?;
        let meta = file.metadata().map_err(failed("read"))?;
        if !meta.is_file() {
            // A pipe or device could block the start forever.
            return Err(failed("read")(io::Error::other("it is not a regular file")));
        }
        let mut content = Vec::with_capacity(usize::try_from(meta.len().min(limit)).unwrap_or(0));
        file.take(limit + 1)
            .read_to_end(&mut content)
            .map_err(failed("read"))?;
        if content.len() as u64 > limit {
            return Err(FileError::TooLarge { path, limit });
        }
        Ok(content)
    }

    /// Opens a directory, for a grant.
    ///
    /// # Errors
    ///
    /// The directory does not exist, or is not a directory.
    pub fn open_dir(&self, path: &Path) -> Result<Dir, FileError> {
        let path = self.path(path);
        Dir::open_ambient_dir(&path, ambient_authority()).map_err(|source| FileError::Io {
            path,
            what: "opened",
            source,
        })
    }

    /// Whether the file's last byte is a line feed, so that a line can be appended.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is empty.
    pub fn ends_in_line_end(&self, path: &Path) -> Result<bool, FileError> {
        let path = self.path(path);
        let last = || {
            let (dir, name) = enter(&path)?;
            let mut file =
                dir.open_with(name, OpenOptions::new().read(true).custom_flags(NO_WAIT))?;
            if !file.metadata()?.is_file() {
                return Ok(true);
            }
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            Ok(last == *b"\n")
        };
        last().map_err(|source| FileError::Io {
            path: path.clone(),
            what: "read",
            source,
        })
    }

    /// Opens a file to append to. A new file is readable by its owner only.
    ///
    /// # Errors
    ///
    /// The file's directory does not exist, or the file cannot be written.
    pub fn open_append(&self, path: &Path) -> Result<File, FileError> {
        let path = self.path(path);
        let open = || {
            let (dir, name) = enter(&path)?;
            dir.open_with(
                name,
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .mode(0o600)
                    .custom_flags(NO_WAIT),
            )
        };
        open().map_err(|source| FileError::Io {
            path: path.clone(),
            what: "opened",
            source,
        })
    }

    /// Opens a file to read from its beginning.
    ///
    /// # Errors
    ///
    /// The file does not exist, is not a regular file, or cannot be read.
    pub fn open_read(&self, path: &Path) -> Result<File, FileError> {
        let path = self.path(path);
        let open = || {
            let (dir, name) = enter(&path)?;
            let file = dir.open_with(name, OpenOptions::new().read(true).custom_flags(NO_WAIT))?;
            match file.metadata()?.is_file() {
                true => Ok(file),
                false => Err(io::Error::other("it is not a regular file")),
            }
        };
        open().map_err(|source| FileError::Io {
            path: path.clone(),
            what: "opened",
            source,
        })
    }

    /// Writes a whole file, readable by its owner only: it has the old content or the new one, whatever happens.
    ///
    /// # Errors
    ///
    /// The file's directory does not exist, or cannot be written.
    pub fn write_whole(&self, path: &Path, content: &[u8]) -> Result<(), FileError> {
        let path = self.path(path);
        let write = || {
            let (dir, name) = enter(&path)?;
            let mut fresh = name.to_owned();
            fresh.push(".new");
            // Whatever lies there, a link or a pipe too, gives way.
            match dir.remove_file(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            dir.open_with(&fresh, &options)?.write_all(content)?;
            dir.rename(&fresh, &dir, name)
        };
        write().map_err(|source| FileError::Io {
            path: path.clone(),
            what: "written",
            source,
        })
    }
}

pub(super) fn enter(path: &Path) -> io::Result<(Dir, &std::ffi::OsStr)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let dir = Dir::open_ambient_dir(parent.unwrap_or(Path::new(".")), ambient_authority())?;
    Ok((dir, name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn links_that_the_operator_set_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("real"), "x").unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("real"), folder.path().join("link"))
            .unwrap();
        assert_eq!(
            Files::in_folder(folder.path())
                .read(Path::new("link"), 10)
                .unwrap(),
            b"x"
        );
    }

    #[test]
    fn a_file_over_its_limit_and_one_that_is_no_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path());
        std::fs::write(folder.path().join("big"), "12345").unwrap();
        assert!(files.read(Path::new("big"), 5).is_ok());
        assert!(matches!(
            files.read(Path::new("big"), 4),
            Err(FileError::TooLarge { .. })
        ));
        assert!(files.read(Path::new("."), 4).is_err());
        assert!(
            files
                .read(Path::new("missing"), 4)
                .unwrap_err()
                .to_string()
                .contains("missing cannot be opened")
        );
    }

    #[test]
    fn a_named_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let files = Files::in_folder(folder.path());
        let error = files.read(Path::new("pipe"), 10).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(files.open_append(Path::new("pipe")).is_err());
    }

    #[test]
    fn a_log_that_is_a_link_out_of_its_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("target"), folder.path().join("log"))
            .unwrap();
        let files = Files::in_folder(folder.path());
        assert!(files.open_append(Path::new("log")).is_err());
        assert!(!elsewhere.path().join("target").exists());
        files.open_append(Path::new("new.log")).unwrap();
    }
}
