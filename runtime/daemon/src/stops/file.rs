//! The file that keeps stops over restarts. A stop that cannot be read is no stop that may be forgotten: such a file keeps
//! the gateway from starting.

use std::io;
use std::path::{Path, PathBuf};

use sandgate_config::{FileError, Files, Loaded};
use sandgate_gateway::{Stop, Stops};
use serde::{Deserialize, Serialize};

use super::StopStatus;

/// The version of the file's format.
const VERSION: u32 = 1;
/// The most stops at a time.
pub(super) const MOST: usize = 256;
/// The longest name of a stop, in bytes.
pub(super) const LONGEST_NAME: usize = 512;
/// The longest reason of a stop, in bytes.
pub(super) const LONGEST_WHY: usize = 500;
/// The largest file, in bytes: as many stops as there may be, each character escaped.
const LARGEST: u64 = 2 << 20;

/// Where stops are kept.
#[derive(Clone, Debug)]
pub(crate) struct StopsFile {
    files: Files,
    path: PathBuf,
}

/// Why the kept stops cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StopsFileError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not hold what the gateway writes.
    #[error("{}: {why}", .path.display())]
    Content {
        /// The file's path.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There are two files.
    #[error("{} has stops, and with `[gateway] state` they are kept in {}", .left.display(), .used.display())]
    Left {
        /// The file that is not used.
        left: PathBuf,
        /// The file that is.
        used: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    stops: Vec<StopStatus>,
}

impl StopsFile {
    /// The file of a configuration: beside its `state`, else beside the configuration's own file.
    ///
    /// # Errors
    ///
    /// Stops lie beside the configuration's file, and would be forgotten because there is a `state`.
    pub(crate) fn of(config_file: &Path, loaded: &Loaded) -> Result<Self, StopsFileError> {
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".stops");
            PathBuf::from(name)
        };
        // The configuration's path is relative to the working directory, those in it to its folder.
        let files = Files::in_folder(Path::new(""));
        let own = beside(config_file);
        let path = match &loaded.config.gateway.state {
            None => own,
            Some(state) => {
                let path = beside(&loaded.files.path(state));
                if path != own && own.exists() {
                    return Err(StopsFileError::Left {
                        left: own,
                        used: path,
                    });
                }
                path
            }
        };
        Ok(Self { files, path })
    }

    /// Reads the stops. None where there is no file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds something else than stops.
    pub(crate) fn read(&self) -> Result<Vec<Stop>, StopsFileError> {
        let content = match self.files.read(&self.path, LARGEST) {
            Ok(content) => content,
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        let wrong = |why: String| StopsFileError::Content {
            path: self.path.clone(),
            why,
        };
        let Content { version, stops } =
            serde_json::from_slice(&content).map_err(|error| wrong(error.to_string()))?;
        if version != VERSION {
            return Err(wrong(format!(
                "it is of version {version}, and this program reads version {VERSION}"
            )));
        }
        if stops.len() > MOST {
            return Err(wrong(format!("it has more than {MOST} stops")));
        }
        let mut read = Vec::new();
        for (n, stop) in stops.iter().enumerate() {
            let fits = stop.name.len() <= LONGEST_NAME && stop.why.len() <= LONGEST_WHY;
            let stop = stop.read().filter(|_| fits);
            read.push(stop.ok_or_else(|| wrong(format!("`stops[{n}]` cannot be read")))?);
        }
        Stops::new(read.clone()).map_err(|error| wrong(error.to_string()))?;
        Ok(read)
    }

    /// Writes the stops, all or nothing.
    ///
    /// # Errors
    ///
    /// The operating system reports an error. The file is as it was.
    pub(crate) fn write(&self, stops: &[Stop]) -> Result<(), StopsFileError> {
        let content = Content {
            version: VERSION,
            stops: stops.iter().map(StopStatus::from).collect(),
        };
        let mut text =
            serde_json::to_string_pretty(&content).map_err(|error| StopsFileError::Content {
                path: self.path.clone(),
                why: error.to_string(),
            })?;
        text.push('\n');
        Ok(self.files.put(&self.path, &text)?)
    }
}
