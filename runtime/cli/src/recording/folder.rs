//! A recording on disk: a folder with a description, `recording.json`, and segments of JSON lines, one exchange a line.
//! Only its owner may read it. A line is written at once and whole; what a killed process left of one is passed over.
//! When it is full, the oldest segment goes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions, OpenOptionsExt};
use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, NotAnExchange};
use super::seal::{Identities, Recipient, SealError};

const DESCRIPTION: &str = "recording.json";
const FORMAT: &str = "sandgate-recording";
const VERSION: u32 = 1;
/// A recording has about so many segments when it is full: so much of it, at most, is gone at once.
const SEGMENTS: u64 = 16;
/// The largest file that is read as part of a recording.
const LARGEST: u64 = 8 << 30;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system says no.
    #[error("{} {what}: {source}", path.display())]
    Io {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What cannot be done.
        what: &'static str,
        /// Its reason.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} holds other files and no recording: name a folder that is empty or not there", .0.display())]
    Foreign(PathBuf),
    /// It is no recording.
    #[error("{} is no recording: {why}", path.display())]
    NotARecording {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody else writes to it.
    #[error("{} is being recorded to by another process", .0.display())]
    Busy(PathBuf),
    /// It is kept as it came or with surrogates, and now the other is asked for.
    #[error("{} was begun {was}: record to another folder", path.display())]
    Otherwise {
        /// The folder.
        path: PathBuf,
        /// How.
        was: &'static str,
    },
    /// A line is no exchange.
    #[error("{}, line {line}: {why}", path.display())]
    Line {
        /// The segment.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: NotAnExchange,
    },
    /// It cannot be sealed or opened.
    #[error("{}: {why}", path.display())]
    Sealed {
        /// The segment or the folder.
        path: PathBuf,
        /// Why.
        why: SealError,
    },
}

/// What a recording says of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: String,
    version: u32,
    /// As it came, for the owner of a key; else with surrogates.
    sealed: bool,
}

/// A line of a recording that is kept as it came.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    age: String,
}

/// A recording that grows.
pub struct Folder {
    path: PathBuf,
    dir: Dir,
    /// Locked for as long as it is written to.
    _description: File,
    recipient: Option<Recipient>,
    max: u64,
    segments: VecDeque<(String, u64)>,
    open: Option<File>,
}

/// How a line came into the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Yes,
    /// It alone is larger than what may be kept.
    TooLarge,
}

/// A recording that was read.
#[derive(Debug, Default)]
pub struct Recorded {
    /// In the order in which they came.
    pub exchanges: Vec<Exchange>,
    /// Lines that were never finished.
    pub torn: usize,
}

impl Folder {
    /// Opens a folder to record to, or makes it. `recipient`: what comes is kept as it came, for the owner of that key.
    /// `max`: bytes of all segments together.
    ///
    /// # Errors
    /// It holds something else, somebody else writes to it, or it cannot be written.
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

    /// Whether what comes is kept as it came.
    pub fn is_sealed(&self) -> bool {
        self.recipient.is_some()
    }

    /// Adds an exchange, as JSON on one line.
    ///
    /// # Errors
    /// It cannot be written.
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
            // Whatever is there of the line stays alone: the next one begins another segment.
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

/// Reads a whole recording.
///
/// # Errors
/// It is none, it needs a key, or a line in it is no exchange.
pub fn read(path: &Path, identities: Option<&Identities>) -> Result<Recorded, FolderError> {
    let io = |what| {
        move |source| FolderError::Io {
            path: path.to_owned(),
            what,
            source,
        }
    };
    let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(io("cannot be opened"))?;
    let text = dir
        .read_to_string(DESCRIPTION)
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FolderError::NotARecording {
                path: path.to_owned(),
                why: format!("it has no {DESCRIPTION}; `sandgate run --record DIR` makes one"),
            },
            _ => io("cannot be read")(source),
        })?;
    let described = described_in(path, &text)?;
    let opening = match (described.sealed, identities) {
        (false, _) => None,
        (true, Some(identities)) => Some(identities),
        (true, None) => {
            return Err(FolderError::Sealed {
                path: path.to_owned(),
                why: SealError::NoIdentity,
            });
        }
    };
    let mut names = Vec::new();
    for entry in dir.entries().map_err(io("cannot be read"))? {
        let name = entry.map_err(io("cannot be read"))?.file_name();
        names.extend(
            name.to_str()
                .filter(|name| is_segment(name))
                .map(str::to_owned),
        );
    }
    names.sort();
    let mut recorded = Recorded::default();
    for name in names {
        let file = dir.open(&name).map_err(io("cannot be read"))?;
        let mut text = String::new();
        file.take(LARGEST)
            .read_to_string(&mut text)
            .map_err(io("cannot be read"))?;
        for (n, line) in text.split_inclusive('\n').enumerate() {
            let Some(line) = line.strip_suffix('\n') else {
                recorded.torn += 1;
                continue;
            };
            let at = path.join(&name);
            let exchange = read_line(line, opening).map_err(|error| match error {
                Unreadable::Line(why) => FolderError::Line {
                    path: at.clone(),
                    line: n + 1,
                    why,
                },
                Unreadable::Sealed(why) => FolderError::Sealed { path: at, why },
            })?;
            recorded.exchanges.push(exchange);
        }
    }
    // They are written when they end.
    recorded
        .exchanges
        .sort_by(|one, other| (&one.time, &one.id).cmp(&(&other.time, &other.id)));
    Ok(recorded)
}

enum Unreadable {
    Line(NotAnExchange),
    Sealed(SealError),
}

fn read_line(line: &str, opening: Option<&Identities>) -> Result<Exchange, Unreadable> {
    let json = |error: serde_json::Error| Unreadable::Line(error.into());
    match opening {
        None => serde_json::from_str(line).map_err(json),
        Some(identities) => {
            let Sealed { age } = serde_json::from_str(line).map_err(json)?;
            let bytes = identities.open(&age).map_err(Unreadable::Sealed)?;
            serde_json::from_slice(&bytes).map_err(json)
        }
    }
}

fn described_in(path: &Path, text: &str) -> Result<Description, FolderError> {
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

fn is_segment(name: &str) -> bool {
    name.strip_suffix(".jsonl")
        .is_some_and(|stem| stem.starts_with("20") && stem.ends_with('Z') && !stem.contains('/'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn line(n: usize) -> String {
        format!(
            r#"{{"id":"{n:04}","time":"2026-01-01T00:00:00.{:06}Z","era":"modern","direction":"client-to-server","server":"s","method":"m","params":{{}},"became":"forwarded","trail":[]}}"#,
            999_999 - n
        )
    }

    fn ids(path: &Path) -> Vec<String> {
        let recorded = read(path, None).unwrap();
        recorded.exchanges.into_iter().map(|one| one.id).collect()
    }

    #[test]
    fn what_was_written_is_read_in_the_order_in_which_it_came() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("rec");
        let mut folder = Folder::open(&path, None, 1 << 20).unwrap();
        for n in 0..3 {
            assert_eq!(folder.add(&line(n)).unwrap(), Written::Yes);
        }
        assert_eq!(ids(&path), ["0002", "0001", "0000"]);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for entry in std::fs::read_dir(&path).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn a_line_that_was_never_finished_is_passed_over() {
        let path = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(path.path(), None, 1 << 20).unwrap();
        folder.add(&line(0)).unwrap();
        let segment = folder.segments[0].0.clone();
        drop(folder);
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(path.path().join(segment))
            .unwrap();
        file.write_all(b"{\"id\":\"00").unwrap();
        Folder::open(path.path(), None, 1 << 20)
            .unwrap()
            .add(&line(1))
            .unwrap();
        let recorded = read(path.path(), None).unwrap();
        assert_eq!((recorded.exchanges.len(), recorded.torn), (2, 1));
    }

    #[test]
    fn a_full_recording_loses_its_oldest_part() {
        let path = tempfile::tempdir().unwrap();
        let max = 64 * line(0).len() as u64;
        let mut folder = Folder::open(path.path(), None, max).unwrap();
        for n in 0..1000 {
            folder.add(&line(n)).unwrap();
        }
        assert!(
            folder
                .add(&"x".repeat(usize::try_from(max).unwrap()))
                .unwrap()
                == Written::TooLarge
        );
        let kept = ids(path.path());
        assert!((56..=64).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0], "0999");
        let mut bytes = 0;
        for entry in std::fs::read_dir(path.path()).unwrap() {
            bytes += entry.unwrap().metadata().unwrap().len();
        }
        assert!(bytes <= max + 100, "{bytes}");
    }

    #[test]
    fn a_folder_that_is_not_ours_is_left_alone() {
        let path = tempfile::tempdir().unwrap();
        std::fs::write(path.path().join("notes.txt"), "x").unwrap();
        let refused = |error: &str| {
            let said = Folder::open(path.path(), None, 1 << 20)
                .err()
                .unwrap()
                .to_string();
            assert!(said.contains(error), "{said}");
        };
        refused("holds other files");
        std::fs::write(path.path().join(DESCRIPTION), "{}").unwrap();
        refused("is no recording");
        let ours = path.path().join("ours");
        let open = || Folder::open(&ours, None, 1 << 20);
        let first = open().unwrap();
        assert!(matches!(open(), Err(FolderError::Busy(_))));
        drop(first);
        assert!(open().is_ok());
        let key = Recipient::read("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
        let sealed = Folder::open(&ours, Some(key.unwrap()), 1 << 20);
        assert!(matches!(sealed, Err(FolderError::Otherwise { .. })));
    }
}
