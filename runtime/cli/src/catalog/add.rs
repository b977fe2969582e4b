//! `sandgate catalog add`: takes a copy of a catalog, and writes it into the configuration.

use std::path::Path;

use clap::Args;
use sandgate_catalog::{Contents, FindError, digest, fetch, is_url};
use sandgate_text::printable;

use super::configuration::{parsed, put, read};
use super::error::VerbError;
use super::list::told;
use crate::reached::Configured;

/// `sandgate catalog add`.
#[derive(Clone, Debug, Args)]
pub struct Added {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where it is: an https URL, an http URL of this machine's loopback, or a file
    #[arg(value_name = "SOURCE")]
    pub source: String,
}

pub(crate) fn add(asked: &Added) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    if sandgate_import::server_name(name) != *name {
        let why = "a catalog's name is letters, digits, `-` and single `_`, at most 64";
        return Err(VerbError::Other(format!("{}: {why}", printable(name))));
    }
    if loaded.config.catalogs.contains_key(name) {
        let why = format!(
            "there is a catalog {name} already; `sandgate catalog update {name}` takes another copy of it"
        );
        return Err(VerbError::Other(why));
    }
    if !loaded.config.catalog.permits(name) {
        return Err(FindError::Forbidden(name.clone()).into());
    }
    let source = match is_url(&asked.source) {
        true => asked.source.clone(),
        false => seen_from(&asked.configured, &asked.source)?,
    };
    let text = fetch(&source, &loaded.files)?;
    let contents =
        Contents::read(&text).map_err(|error| VerbError::Format(asked.source.clone(), error))?;
    let mut table = toml_edit::Table::new();
    table.insert("source", toml_edit::value(&source));
    table.insert("digest", toml_edit::value(digest(&text)));
    let before = loaded.source.text();
    let end = if before.ends_with('\n') || before.is_empty() {
        ""
    } else {
        "\n"
    };
    let config = format!("{before}{end}\n[catalogs.{name}]\n{table}");
    parsed(&config)?;
    put(&asked.configured, &loaded, name, &text, &config)?;
    Ok(format!(
        "{name} is added to {}: {}",
        asked.configured.config.display(),
        told(&contents)
    ))
}

/// A file's path as the configuration writes it: relative to its folder, or whole.
fn seen_from(configured: &Configured, path: &str) -> Result<String, VerbError> {
    let folder = configured.config.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() || Path::new(path).is_absolute() {
        return Ok(path.to_owned());
    }
    let whole = std::fs::canonicalize(path);
    let whole = whole.map_err(|error| VerbError::Other(format!("{}: {error}", printable(path))))?;
    Ok(whole.display().to_string())
}
