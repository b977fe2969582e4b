//! The operator's side of the admin socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{self, AtFlags, FileType};
use serde::de::DeserializeOwned;

use super::protocol::{Answer, Ask, MAX_ANSWER, Question, VERSION};
use super::socket::{SocketError, SocketPath, within};

/// How long a question may take to be sent and, except for a reload, answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reload may take to be answered: plugins may have to be compiled.
const RELOADING: Duration = Duration::from_secs(10 * 60);

const HUNG_UP: &str = "it hung up, since it ends or has too much to answer";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens on the socket.
    #[error("no gateway answers at {}: {why}", .path.display())]
    NotRunning {
        /// The socket's path.
        path: PathBuf,
        /// What is there instead.
        why: &'static str,
    },
    /// The socket belongs to another user, who might be anybody.
    #[error("{} belongs to another user (number {owner}): ask as that user", .path.display())]
    Foreign {
        /// The socket's path.
        path: PathBuf,
        /// The number of the user that the socket belongs to.
        owner: u32,
    },
    /// The socket's directory cannot be trusted.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The connection failed.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The socket's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The answer cannot be understood.
    #[error("{} answers in a way that this program ({}) does not understand; the gateway there is {gateway}", .path.display(), env!("CARGO_PKG_VERSION"))]
    Unintelligible {
        /// The socket's path.
        path: PathBuf,
        /// The version of the gateway there, or that it gave none.
        gateway: String,
    },
    /// The gateway refuses, and says why.
    #[error("{0}")]
    Refused(String),
}

/// Asks the gateway that listens on the socket, and waits for its answer.
///
/// # Errors
///
/// Nobody answers, or the gateway refuses.
pub fn ask<T: DeserializeOwned>(place: &SocketPath, ask: Ask) -> Result<T, AskError> {
    let path = || place.path.clone();
    let failed = |source: io::Error| {
        let why = match source.kind() {
            io::ErrorKind::NotFound => "there is no socket",
            io::ErrorKind::ConnectionRefused => "the gateway that made the socket has ended",
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => HUNG_UP,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it takes too long",
            _ => {
                return AskError::Io {
                    path: path(),
                    source,
                };
            }
        };
        AskError::NotRunning { path: path(), why }
    };
    let (folder, name) = place.folder(false).map_err(|error| match error {
        SocketError::Io { source, .. } => failed(source),
        other => AskError::Socket(other),
    })?;
    let there = fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| failed(error.into()))?;
    if FileType::from_raw_mode(there.st_mode) != FileType::Socket {
        return Err(AskError::Socket(SocketError::NoSocket(path())));
    }
    let own = rustix::process::geteuid().as_raw();
    if there.st_uid != own {
        return Err(AskError::Foreign {
            path: path(),
            owner: there.st_uid,
        });
    }
    let mut stream = UnixStream::connect(within(&folder, &name)).map_err(failed)?;
    let patience = match ask {
        Ask::Reload => RELOADING,
        // The receiver has ten seconds itself.
        Ask::AlertTest { .. } => PATIENCE * 2,
        _ => PATIENCE,
    };
    let question = Question {
        version: VERSION,
        ask,
    };
    let mut line = serde_json::to_vec(&question).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    let mut said = Vec::new();
    stream
        .set_write_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_read_timeout(Some(patience)))
        .and_then(|()| stream.write_all(&line))
        .and_then(|()| BufReader::new(stream.take(MAX_ANSWER)).read_until(b'\n', &mut said))
        .map_err(failed)?;
    if said.is_empty() {
        return Err(AskError::NotRunning {
            path: path(),
            why: HUNG_UP,
        });
    }
    let unintelligible = |gateway: &str| AskError::Unintelligible {
        path: path(),
        gateway: gateway.to_owned(),
    };
    let answer: Answer =
        serde_json::from_slice(&said).map_err(|_| unintelligible("of no known version"))?;
    match (answer.ok, answer.error) {
        (Some(ok), _) => {
            serde_json::from_str(ok.get()).map_err(|_| unintelligible(&answer.gateway))
        }
        (None, Some(error)) => Err(AskError::Refused(error)),
        (None, None) => Err(unintelligible(&answer.gateway)),
    }
}
