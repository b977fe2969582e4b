//! Reads the few keys that a program needs to ask the gateway that runs with a configuration.

use std::path::Path;

use super::files::{FileError, Files};
use super::gateway::AdminSocket;
use super::scalar::Scalar;
use super::source::Source;
use super::{Destination, LARGEST_FILE};

/// The keys, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// The value of `gateway.admin`.
    pub admin: Option<AdminSocket>,
    /// The value of `call-log.to`.
    pub call_log: Option<Destination>,
}

/// Reads the keys, whatever else is wrong with the file.
///
/// # Errors
///
/// The file cannot be read.
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
