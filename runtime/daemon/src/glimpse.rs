//! Reads the few keys that a program needs to ask the gateway that runs with a configuration.

use std::path::Path;

use sandgate_config::{
    AdminSocket, Destination, FileError, Files, LARGEST_FILE, Scalar as _, Source,
};

/// The keys, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glimpse {
    /// The value of `gateway.admin`.
    pub(crate) admin: Option<AdminSocket>,
    /// The value of `call-log.to`.
    pub(crate) call_log: Option<Destination>,
}

/// Reads the keys, whatever else is wrong with the file.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn glimpse(path: &Path) -> Result<Glimpse, FileError> {
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
