//! A recording on disk: a folder with a description, `recording.json`, and segments of JSON lines, one exchange for
//! each line. Only its owner may read it. A line is written at once and whole; a line that a killed process left
//! unfinished is skipped. If the folder is full, the oldest segment is deleted.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions, OpenOptionsExt};
use serde::{Deserialize, Serialize};

use super::exchange::NotAnExchange;
use super::left_out::{self, LeftOut};
use super::seal::{Recipient, SealError};

pub(super) const DESCRIPTION: &str = "recording.json";
const FORMAT: &str = "sandgate-recording";
const VERSION: u32 = 1;
/// The approximate number of segments of a full recording. A segment, and so at most this part of the recording, is
/// deleted at once.
const SEGMENTS: u64 = 16;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system reports an error.
    #[error("{} {what}: {source}", path.display())]
    Io {
        /// The folder, or a file in it.
        path: PathBuf,
        /// The failed action.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} holds other files and no recording: name a folder that is empty or not there", .0.display())]
    Foreign(PathBuf),
    /// The folder is not a recording.
    #[error("{} is no recording: {why}", path.display())]
    NotARecording {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the folder.
        why: String,
    },
    /// Another process writes to the folder.
    #[error("{} is being recorded to by another process", .0.display())]
    Busy(PathBuf),
    /// The recording is sealed and surrogates are asked for, or the other way round.
    #[error("{} was begun {was}: record to another folder", path.display())]
    Otherwise {
        /// The folder.
        path: PathBuf,
        /// How the recording was begun.
        was: &'static str,
    },
    /// A line is not an exchange.
    #[error("{}, line {line}: {why}", path.display())]
    Line {
        /// The segment's path.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with the line.
        why: NotAnExchange,
    },
    /// An exchange cannot be sealed or opened.
    #[error("{}: {why}", path.display())]
    Sealed {
        /// The segment or the folder.
        path: PathBuf,
        /// Why it cannot be sealed or opened.
        why: SealError,
    },
}

/// The description file of a recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    format: String,
    version: u32,
    /// Whether calls are kept as they came, for the owner of a key. Otherwise they are kept with surrogates.
    pub(super) sealed: bool,
}

/// A line of a sealed recording.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) age: String,
}

/// A recording that can be written to.
pub struct Folder {
    path: PathBuf,
    dir: Dir,
    /// The description file, locked for as long as the recording is written to.
    _description: File,
    recipient: Option<Recipient>,
    max: u64,
    segments: VecDeque<(String, u64)>,
    open: Option<File>,
}

/// The outcome of adding an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The exchange was written.
    Yes,
    /// The exchange alone is larger than the whole recording may be.
    TooLarge,
}

impl Folder {
    /// Opens a folder to record to, or creates it. With a `recipient`, calls are kept as they come, sealed for the
    /// owner of that key. `max` is the most bytes of all segments together.
    ///
    /// # Errors
    ///
    /// The folder holds something else, another process writes to it, or it cannot be written.
    pub fn open(path: &Path, recipient: Option<Recipient>, max: u64) -> Result<Self, FolderError> {
        let io = |what| {
            move |source| FolderError::Io {
                path: path.to_owned(),
                what,
                source,
            }
        };
        let root = Dir::open_ambient_dir(
            if path.is_absolute() { "/" } else { "." },
            ambient_authority(),
        )
        .map_err(io("cannot be made"))?;
        let within = path.strip_prefix("/").unwrap_or(path);
        if !root.exists(within) {
            let mut builder = DirBuilder::new();
            builder.mode(0o700);
            root.create_dir_with(within, &builder)
                .map_err(io("cannot be made"))?;
        }
        let dir =
            Dir::open_ambient_dir(path, ambient_authority()).map_err(io("cannot be opened"))?;
        let mut segments = Vec::new();
        let (mut described, mut other) = (false, false);
        for entry in dir.entries().map_err(io("cannot be read"))? {
            let entry = entry.map_err(io("cannot be read"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == left_out::FILE {
                continue;
            }
            if name == DESCRIPTION {
                described = true;
            } else if is_segment(&name) {
                let length = entry.metadata().map_err(io("cannot be read"))?.len();
                segments.push((name, length));
            } else {
                other = true;
            }
        }
        if !described && (other || !segments.is_empty()) {
            return Err(FolderError::Foreign(path.to_owned()));
        }
        let mut description = dir
            .open_with(
                DESCRIPTION,
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .mode(0o600),
            )
            .map_err(io("cannot be written"))?;
        let lock = rustix::fs::flock(
            &description,
            rustix::fs::FlockOperation::NonBlockingLockExclusive,
        );
        if lock.is_err() {
            return Err(FolderError::Busy(path.to_owned()));
        }
        let sealed = recipient.is_some();
        let mut text = String::new();
        description
            .read_to_string(&mut text)
            .map_err(io("cannot be read"))?;
        if text.is_empty() {
            let said = Description {
                format: FORMAT.into(),
                version: VERSION,
                sealed,
            };
            let text = serde_json::to_string(&said).unwrap_or_default() + "\n";
            description
                .write_all(text.as_bytes())
                .map_err(io("cannot be written"))?;
        } else if described_in(path, &text)?.sealed != sealed {
            return Err(FolderError::Otherwise {
                path: path.to_owned(),
                was: match sealed {
                    true => "with surrogates",
                    false => "with --record-raw-to",
                },
            });
        }
        segments.sort();
        Ok(Self {
            path: path.to_owned(),
            dir,
            _description: description,
            recipient,
            max,
            segments: segments.into(),
            open: None,
        })
    }

    /// Whether calls are kept as they came, sealed.
    pub fn is_sealed(&self) -> bool {
        self.recipient.is_some()
    }

    /// Notes that a call is not in the recording. What cannot be noted is only logged.
    pub(super) fn leave_out(&self, id: &str, why: &str) {
        let left_out = LeftOut {
            id: id.into(),
            why: why.into(),
        };
        if let Err(error) = left_out::add(&self.dir, &left_out) {
            tracing::debug!(call = id, "{} cannot be written: {error}", left_out::FILE);
        }
    }

    /// Adds an exchange, given as JSON on one line.
    ///
    /// # Errors
    ///
    /// The exchange cannot be sealed or written.
    pub fn add(&mut self, exchange: &str) -> Result<Written, FolderError> {
        let mut line = match &self.recipient {
            None => exchange.to_owned(),
            Some(recipient) => {
                let age =
                    recipient
                        .seal(exchange.as_bytes())
                        .map_err(|why| FolderError::Sealed {
                            path: self.path.clone(),
                            why,
                        })?;
                serde_json::to_string(&Sealed { age }).unwrap_or_default()
            }
        };
        line.push('\n');
        let length = line.len() as u64;
        if length > self.max {
            return Ok(Written::TooLarge);
        }
        let full = self
            .segments
            .back()
            .is_some_and(|(_, bytes)| *bytes > 0 && bytes + length > self.max / SEGMENTS);
        if full {
            self.open = None;
        }
        while self.segments.iter().map(|(_, bytes)| bytes).sum::<u64>() + length > self.max {
            let Some((oldest, _)) = self.segments.pop_front() else {
                break;
            };
            if self.segments.is_empty() {
                self.open = None;
            }
            self.dir
                .remove_file(&oldest)
                .map_err(self.failed("cannot lose its oldest part"))?;
        }
        if self.open.is_none() {
            self.begin()?;
        }
        let Some(file) = &mut self.open else {
            return Ok(Written::TooLarge);
        };
        let written = file.write_all(line.as_bytes());
        if let Err(source) = written {
            // The unfinished line stays at the end of its segment: the next line begins another segment.
            self.open = None;
            return Err(self.failed("cannot be written")(source));
        }
        if let Some((_, bytes)) = self.segments.back_mut() {
            *bytes += length;
        }
        Ok(Written::Yes)
    }

    fn begin(&mut self) -> Result<(), FolderError> {
        let time = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let name = format!("{}.jsonl", time.replace([':', '-'], ""));
        let file = self
            .dir
            .open_with(
                &name,
                OpenOptions::new().append(true).create_new(true).mode(0o600),
            )
            .map_err(self.failed("cannot be written"))?;
        self.open = Some(file);
        self.segments.push_back((name, 0));
        Ok(())
    }

    fn failed(&self, what: &'static str) -> impl Fn(io::Error) -> FolderError + use<> {
        let path = self.path.clone();
        move |source| FolderError::Io {
            path: path.clone(),
            what,
            source,
        }
    }
}

pub(super) fn described_in(path: &Path, text: &str) -> Result<Description, FolderError> {
    let not = |why: String| FolderError::NotARecording {
        path: path.to_owned(),
        why,
    };
    let said: Description =
        serde_json::from_str(text).map_err(|error| not(format!("{DESCRIPTION}: {error}")))?;
    match (said.format.as_str(), said.version) {
        (FORMAT, VERSION) => Ok(said),
        (FORMAT, version) => Err(not(format!(
            "it is of version {version}; this program knows version {VERSION}"
        ))),
        _ => Err(not(format!("{DESCRIPTION} is something else"))),
    }
}

pub(super) fn is_segment(name: &str) -> bool {
    name.strip_suffix(".jsonl")
        .is_some_and(|stem| stem.starts_with("20") && stem.ends_with('Z') && !stem.contains('/'))
}

#[cfg(test)]
mod tests;
