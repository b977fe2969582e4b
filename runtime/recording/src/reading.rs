//! Reads a recording: all its segments, in the order in which the calls came.

use std::io::{self, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::exchange::{Exchange, NotAnExchange};
use super::folder::{DESCRIPTION, FolderError, Sealed, described_in, is_segment};
use super::left_out::{self, LeftOut};
use super::seal::{Identities, SealError};

/// The largest file that is read as part of a recording, in bytes.
const LARGEST: u64 = 8 << 30;

/// A recording that was read.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The exchanges, in the order in which they came.
    pub exchanges: Vec<Exchange>,
    /// The number of lines that were never finished.
    pub torn: usize,
    /// Calls that are not in the recording, as far as they are known.
    pub left_out: Vec<LeftOut>,
}

/// Reads a whole recording.
///
/// # Errors
///
/// The folder is not a recording, it needs a key, or a line in it is not an exchange.
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
    let mut recorded = Recorded {
        left_out: left_out::read(&dir).map_err(io("cannot be read"))?,
        ..Recorded::default()
    };
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
    // Exchanges are written when they end, so they are sorted by when they came.
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
