//! The configuration whose catalogs are looked at and changed.

use std::path::Path;

use clap::Args;
use sandgate_catalog::{digest, forget, keep};
use sandgate_config::{Files, Loaded, Scalar};

use super::error::VerbError;
use crate::reached::Configured;

pub(crate) fn read(configured: &Configured) -> Result<Loaded, VerbError> {
    Loaded::read(&configured.config).map_err(|report| VerbError::Config(Box::new(report)))
}

/// Puts another text in the place of the configuration that was read.
pub(crate) fn replace(
    configured: &Configured,
    loaded: &Loaded,
    text: &str,
) -> Result<(), VerbError> {
    let files = Files::in_folder(Path::new(""));
    files.replace(&configured.config, loaded.source.text(), text, None)?;
    Ok(())
}

pub(crate) fn parsed(text: &str) -> Result<(), VerbError> {
    let parsed = Loaded::parse(Path::new("sandgate.toml"), text.to_owned());
    parsed
        .map(drop)
        .map_err(|report| VerbError::Config(Box::new(report)))
}

pub(crate) fn unedited(name: &str) -> VerbError {
    VerbError::Other(format!(
        "the configuration has [catalogs.{name}] in a form that cannot be edited"
    ))
}

/// Keeps a copy, and puts the configuration that has its digest in place: both or neither.
pub(crate) fn put(
    configured: &Configured,
    loaded: &Loaded,
    name: &str,
    copy: &str,
    config: &str,
) -> Result<(), VerbError> {
    keep(&loaded.files, name, copy)?;
    replace(configured, loaded, config).inspect_err(|_| {
        let new = digest(copy);
        // Another command may have put the same catalog in place meanwhile: its configuration names this copy.
        let is_free = read(configured).is_ok_and(|now| {
            let known = now.config.catalogs.get(name);
            known.is_none_or(|known| known.digest.write() != new)
        });
        if is_free {
            let _ = forget(&loaded.files, name, &new);
        }
    })
}

/// One catalog.
#[derive(Clone, Debug, Args)]
pub struct Named {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: String,
}
