//! The file that keeps a drill's call log. It is made before the drill begins, so that it is known to be wanted there.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sandgate_text::time;

/// A new file. It goes if nothing is kept in it.
pub(crate) struct Keep {
    path: PathBuf,
    /// `None`: the log is in it.
    file: Option<File>,
}

impl Keep {
    /// Makes `drill-NAME-TIME.jsonl` in the folder, for the user alone.
    ///
    /// # Errors
    ///
    /// It cannot be made, or there is something of that name, a link included.
    pub(crate) fn new(folder: &Path, drill: &str, began: SystemTime) -> io::Result<Self> {
        let began = time(began).replace([':', '-'], "");
        let path = folder.join(format!("drill-{drill}-{began}.jsonl"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(|error| {
            io::Error::new(error.kind(), format!("--keep: {}: {error}", path.display()))
        })?;
        Ok(Self {
            path,
            file: Some(file),
        })
    }

    /// Copies the log into it. Returns where it is.
    ///
    /// # Errors
    ///
    /// The log cannot be read, or the file not written.
    pub(crate) fn keep(mut self, log: &Path) -> io::Result<PathBuf> {
        if let Some(file) = &mut self.file {
            io::copy(&mut File::open(log)?, file)?;
        }
        self.file = None;
        Ok(self.path.clone())
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Whoever cannot remove an empty file could not say so to anybody.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_file_nor_what_a_link_leads_to_is_overwritten() -> io::Result<()> {
        let (folder, began) = (tempfile::tempdir()?, SystemTime::UNIX_EPOCH);
        let log = folder.path().join("calls.jsonl");
        std::fs::write(&log, "real")?;
        let kept = folder.path().join("drill-stop-19700101T000000Z.jsonl");
        std::os::unix::fs::symlink(&log, &kept)?;
        let is_there = |made: io::Result<Keep>| {
            made.is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
        };
        assert!(is_there(Keep::new(folder.path(), "stop", began)));
        assert_eq!(std::fs::read_to_string(&log)?, "real");
        std::fs::remove_file(&kept)?;
        assert_eq!(Keep::new(folder.path(), "stop", began)?.keep(&log)?, kept);
        assert!(is_there(Keep::new(folder.path(), "stop", began)));
        assert_eq!(std::fs::read_to_string(&kept)?, "real");
        Ok(())
    }

    #[test]
    fn a_file_with_nothing_in_it_goes() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        drop(Keep::new(folder.path(), "stop", SystemTime::now())?);
        assert_eq!(folder.path().read_dir()?.count(), 0);
        Ok(())
    }
}
