//! Which files a call log lies in.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use sandgate_audit::first_number;
use sandgate_config::{Config, Destination, Files, Loaded};

use crate::reached::Configured;

/// The files of a call log.
#[derive(Clone, Debug, Args)]
pub struct LogFiles {
    /// The configuration that says where the call log is.
    #[command(flatten)]
    pub configured: Configured,
    /// The call log's files, in any order [default: the one that the configuration names, and those beside it to which
    /// it was rotated]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The files that were found.
pub(super) struct Located {
    /// In the order in which they were written.
    pub paths: Vec<PathBuf>,
    /// Whether any of them has a line of a chain.
    pub chained: bool,
    /// Files beside them that are packed, which are not read.
    pub packed: Vec<PathBuf>,
    /// The configuration, where it was needed or can be read.
    pub loaded: Option<Loaded>,
}

/// Why the call log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error("the configuration {} cannot be used, so name the files of the call log; `sandgate check` says what is wrong with it", .0.display())]
    Configuration(PathBuf),
    #[error("`call-log.to` of {} names no file; name the files of the call log", .0.display())]
    NoFile(PathBuf),
    #[error("{} cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
}

impl LogFiles {
    /// Finds the files.
    pub(super) fn locate(&self) -> Result<Located, LogError> {
        let config = &self.configured.config;
        let loaded = Loaded::read(config).ok();
        let (mut paths, packed) = match &self.files[..] {
            [] => {
                let loaded = loaded.as_ref();
                let loaded = loaded.ok_or_else(|| LogError::Configuration(config.clone()))?;
                let Config { call_log, .. } = &loaded.config;
                let Some(Destination::File(path)) = &call_log.to else {
                    return Err(LogError::NoFile(config.clone()));
                };
                rotated(&loaded.files, path)?
            }
            files => (files.to_vec(), Vec::new()),
        };
        let mut numbered = Vec::new();
        for path in paths.drain(..) {
            let read = open(&path).and_then(first_number);
            let first = read.map_err(|error| LogError::Unreadable {
                path: path.clone(),
                error,
            })?;
            // A file without a line of the chain was written before the chain began.
            numbered.push((first, path));
        }
        numbered.sort_by_key(|(first, _)| *first);
        Ok(Located {
            chained: numbered.iter().any(|(first, _)| first.is_some()),
            paths: numbered.into_iter().map(|(_, path)| path).collect(),
            packed,
            loaded,
        })
    }
}

/// The log's file and those beside it whose names begin with its name, and packed ones among them.
fn rotated(files: &Files, path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), LogError> {
    let path = files.path(path);
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let unreadable = |error| LogError::Unreadable {
        path: folder.to_owned(),
        error,
    };
    let (mut plain, mut packed) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let other = entry.file_name().to_string_lossy().into_owned();
        let Some(end) = other.strip_prefix(&name) else {
            continue;
        };
        let of_log = end.is_empty() || end.starts_with(['.', '-']);
        if !of_log || end.contains(".chain") || !entry.path().is_file() {
            continue;
        }
        match [".gz", ".xz", ".zst", ".bz2"]
            .iter()
            .any(|kind| end.ends_with(kind))
        {
            true => packed.push(entry.path()),
            false => plain.push(entry.path()),
        }
    }
    packed.sort();
    match plain.is_empty() {
        false => Ok((plain, packed)),
        true => Err(LogError::Unreadable {
            path,
            error: io::ErrorKind::NotFound.into(),
        }),
    }
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

/// Calls `each` with every line of a file.
pub(super) fn each_line(path: &Path, each: impl FnMut(&[u8])) -> Result<(), LogError> {
    let read = open(path).and_then(|file| sandgate_audit::each_line(file, each));
    read.map_err(|error| LogError::Unreadable {
        path: path.to_owned(),
        error,
    })
}
