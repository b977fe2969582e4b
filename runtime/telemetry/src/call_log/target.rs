//! Where records are written: the file or stream, how it is opened again, and the sinks beside it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_config::{Destination, FileError, Files, ResolvedSink};

use super::audit::Auditor;
use super::open_error::OpenError;
use super::payloads::Payloads;
use super::remote::RemoteSinks;
use super::rotation::{self, Rotation};
use super::shared;
use super::sink::Sink;

/// The destination of records, and whether they hold payloads.
#[derive(Debug)]
pub struct CallLogTarget {
    pub(super) payloads: Payloads,
    /// Where records are written. `None`: nowhere on this machine.
    pub(super) sink: Option<Mutex<Sink>>,
    pub(super) reopen: Option<Reopen>,
    /// Where records are sent as well.
    pub(super) remote: Arc<RemoteSinks>,
}

/// How a file is opened again.
#[derive(Debug)]
pub(super) struct Reopen {
    pub(super) files: Files,
    pub(super) path: PathBuf,
    pub(super) auditor: Option<Arc<Auditor>>,
    pub(super) rotation: Rotation,
    pub(super) remote: Arc<RemoteSinks>,
}

/// What the destination of records is made of.
#[derive(Debug, Default)]
pub struct CallLogParts<'a> {
    /// What records have of params and results.
    pub payloads: Payloads,
    /// When the file is moved away.
    pub rotation: Rotation,
    /// Where records are sent as well.
    pub sinks: Vec<ResolvedSink>,
    /// With an auditor, the lines of a file are part of its chain.
    pub auditor: Option<&'a Arc<Auditor>>,
}

impl CallLogTarget {
    /// Opens the destination.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, the standard stream is closed, or a sink cannot be used as it is configured.
    pub fn open(
        to: &Destination,
        files: &Files,
        parts: CallLogParts<'_>,
    ) -> Result<Self, OpenError> {
        let CallLogParts {
            payloads,
            rotation,
            sinks,
            auditor,
        } = parts;
        let remote = Arc::new(RemoteSinks::new(sinks)?);
        let stream = |name: &str, fd: io::Result<OwnedFd>| {
            fd.map_err(|source| FileError::Io {
                path: name.into(),
                what: "opened",
                source,
            })
        };
        let (sink, reopen) = match to {
            Destination::None => {
                return Ok(Self {
                    payloads,
                    sink: None,
                    reopen: None,
                    remote,
                });
            }
            Destination::Stdout => (
                Sink::new(stream("stdout", io::stdout().as_fd().try_clone_to_owned())?),
                None,
            ),
            Destination::Stderr => (
                Sink::new(stream("stderr", io::stderr().as_fd().try_clone_to_owned())?),
                None,
            ),
            Destination::File(path) => {
                let reopen = Reopen {
                    files: files.clone(),
                    path: path.clone(),
                    auditor: auditor.cloned(),
                    rotation,
                    remote: remote.clone(),
                };
                let sink = reopen.open()?;
                if auditor.is_none() {
                    shared::refuse_chained(&sink, &files.path(path))?;
                }
                (sink, Some(reopen))
            }
        };
        Ok(Self {
            payloads,
            sink: Some(Mutex::new(sink.sending(remote.clone()))),
            reopen,
            remote,
        })
    }

    /// Opens the file by its name once more, where it was moved away since it was opened. Called while nothing moves it.
    pub(super) fn open_again_if_moved(&mut self) {
        let (Some(sink), Some(reopen)) = (&mut self.sink, &self.reopen) else {
            return;
        };
        let sink = sink.get_mut();
        if reopen.is_of(sink) {
            return;
        }
        match reopen.open() {
            Ok(fresh) => *sink = fresh,
            Err(error) => tracing::error!("the call log goes on in a file that was moved: {error}"),
        }
    }
}

impl Reopen {
    /// Whether the sink writes to the file that has the log's name now.
    pub(super) fn is_of(&self, sink: &Sink) -> bool {
        let stat = std::fs::metadata(self.files.path(&self.path));
        stat.is_ok_and(|stat| Some((stat.dev(), stat.ino())) == sink.file())
    }

    pub(super) fn open(&self) -> Result<Sink, OpenError> {
        let Self {
            files,
            path,
            auditor,
            rotation,
            remote,
        } = self;
        let fd = open_file(files, path)?;
        let sink = match auditor {
            Some(auditor) => auditor.sink(fd, files, path)?,
            None => Sink::new(fd),
        };
        let begun = match rotation.has_ages() && sink.size() > 0 {
            true => rotation::begun(files.open_read(path)?),
            false => None,
        };
        Ok(sink.beginning(begun).sending(remote.clone()))
    }
}

/// How often a file is looked at that ends within a line, before the line is taken for torn: another gateway may be writing it
/// at that moment.
const LOOKS: u32 = 5;

fn open_file(files: &Files, path: &Path) -> Result<OwnedFd, FileError> {
    let file = files.open_append(path)?;
    let failed = |source: io::Error| FileError::Io {
        path: files.path(path),
        what: "opened",
        source,
    };
    // A process that was killed may have left half a line; it becomes a line of its own.
    let mut is_torn = file.metadata().map_err(failed)?.len() > 0;
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        is_torn = is_torn && !files.ends_in_line_end(path)?;
        if !is_torn {
            break;
        }
    }
    if is_torn {
        rustix::io::write(&file, b"\n").map_err(|error| failed(error.into()))?;
    }
    Ok(file.into_std().into())
}
