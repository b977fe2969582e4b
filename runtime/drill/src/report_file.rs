//! The file of a report: written beside its place, which it takes at the end.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::DrillError;
use crate::report::Report;

/// A file for a report that is known to be writable. Nothing is left of it if nothing is written.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    beside: NamedTempFile,
    /// Whether there is an older report, whose place it takes.
    replaces: bool,
}

impl ReportFile {
    /// Opens it, before a drill begins.
    ///
    /// # Errors
    ///
    /// There is something else than a regular file of this user, a link included, or its folder cannot be written.
    pub fn open(path: &Path) -> Result<Self, DrillError> {
        let own = rustix::process::geteuid().as_raw();
        let (replaces, mode) = match std::fs::symlink_metadata(path) {
            Ok(there) if there.is_file() && there.uid() == own => (true, there.mode() & 0o666),
            Ok(_) => {
                return Err(DrillError::Needs(format!(
                    "{} is no regular file of your own: name another",
                    path.display()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (false, 0o666),
            Err(error) => return Err(wrong(path, &error)),
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let beside = tempfile::Builder::new()
            .prefix(".drill-report-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder);
        Ok(Self {
            path: path.to_owned(),
            beside: beside.map_err(|error| wrong(path, &error))?,
            replaces,
        })
    }

    /// Writes the report, as HTML or Markdown by the name's end.
    ///
    /// # Errors
    ///
    /// It cannot be written, or there is something now where nothing was.
    pub fn write(self, report: &Report) -> Result<(), DrillError> {
        let is_html = self.path.extension().is_some_and(|end| end == "html");
        let text = match is_html {
            true => report.html(),
            false => report.markdown(),
        };
        self.put(&text)
    }

    fn put(mut self, text: &str) -> Result<(), DrillError> {
        let written = self.beside.write_all(text.as_bytes());
        let placed = written.and_then(|()| match self.replaces {
            true => Ok(self.beside.persist(&self.path)?),
            false => Ok(self.beside.persist_noclobber(&self.path)?),
        });
        placed.map(drop).map_err(|error| wrong(&self.path, &error))
    }
}

fn wrong(path: &Path, error: &io::Error) -> DrillError {
    let text = format!("{}: {error}", path.display());
    DrillError::Io(io::Error::new(error.kind(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_report_is_replaced_and_nothing_else() -> Result<(), DrillError> {
        let folder = tempfile::tempdir()?;
        let [file, real, link] = ["r.md", "real", "l.md"].map(|name| folder.path().join(name));
        std::fs::write(&real, "real")?;
        std::os::unix::fs::symlink(&real, &link)?;
        assert!(ReportFile::open(&link).is_err());
        assert!(ReportFile::open(folder.path()).is_err());
        ReportFile::open(&file)?.put("one")?;
        ReportFile::open(&file)?.put("two")?;
        assert_eq!(std::fs::read_to_string(&file)?, "two");

        // Put there meanwhile: a link is replaced, not followed, and what is new stays.
        let opened = ReportFile::open(&file)?;
        std::fs::remove_file(&file)?;
        std::os::unix::fs::symlink(&real, &file)?;
        opened.put("three")?;
        assert_eq!(std::fs::read_to_string(&file)?, "three");
        std::fs::remove_file(&file)?;
        let opened = ReportFile::open(&file)?;
        std::fs::write(&file, "new")?;
        assert!(opened.put("four").is_err());
        assert_eq!(std::fs::read_to_string(&file)?, "new");
        assert_eq!(std::fs::read_to_string(&real)?, "real");
        drop(ReportFile::open(&file)?);
        assert_eq!(folder.path().read_dir()?.count(), 3);
        Ok(())
    }
}
