//! `sandgate catalog remove`: removes a catalog and its copy.

use sandgate_catalog::{FindError, forget};
use sandgate_config::Scalar;
use sandgate_text::printable;
use toml_edit::DocumentMut;

use super::configuration::{Named, parsed, read, replace, unedited};
use super::error::VerbError;

pub(crate) fn remove(asked: &Named) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    let Some(known) = loaded.config.catalogs.get(name) else {
        return Err(FindError::UnknownCatalog(printable(name)).into());
    };
    let edit = |text: &str| -> Option<String> {
        let mut document: DocumentMut = text.parse().ok()?;
        let table = document.get_mut("catalogs")?.as_table_like_mut()?;
        table.remove(name)?;
        if table.is_empty() {
            document.remove("catalogs");
        }
        Some(document.to_string())
    };
    let config = edit(loaded.source.text()).ok_or_else(|| unedited(name))?;
    parsed(&config)?;
    replace(&asked.configured, &loaded, &config)?;
    forget(&loaded.files, name, &known.digest.write())?;
    Ok(format!(
        "{name} is removed from {}.",
        asked.configured.config.display()
    ))
}
