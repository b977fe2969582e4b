//! The few things of a configuration that somebody needs who only asks the gateway that runs with it.

use std::path::Path;

use super::files::{FileError, Files};
use super::gateway::AdminSocket;
use super::scalar::Scalar;
use super::source::Source;
use super::{Destination, LARGEST_FILE};

/// What could be read, as far as it was right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// `gateway.admin`.
    pub admin: Option<AdminSocket>,
    /// `call-log.to`.
    pub call_log: Option<Destination>,
}

/// Reads them, whatever else is wrong with the file.
///
/// # Errors
/// It cannot be read at all.
pub fn glimpse(path: &Path) -> Result<Glimpse, FileError> {
    let bytes = Files::in_folder(Path::new("")).read(path, LARGEST_FILE)?;
    let (source, _) = Source::parse(path, String::from_utf8_lossy(&bytes).into_owned());
    let text = |table: &str, key: &str| {
        let table = source.tree().table(table)?;
        Some(table.get(key)?.text()?.to_owned())
    };
    Ok(Glimpse {
        admin: text("gateway", "admin").and_then(|text| AdminSocket::read(&text).ok()),
        call_log: text("call-log", "to").and_then(|text| Destination::read(&text).ok()),
    })
}
