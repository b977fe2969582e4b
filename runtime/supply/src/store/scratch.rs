//! A folder for what is not finished.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::manifest;

pub(crate) const SCRATCH: &str = "new-";

/// A folder for what is not finished.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder that is filled.
    pub(crate) fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// A folder for what tools say.
    pub(crate) fn said(&self) -> io::Result<PathBuf> {
        let said = self.0.join("said");
        fs::create_dir(&said)?;
        Ok(said)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists() {
            let _ = manifest::remove(&self.0);
        }
    }
}
