//! `sandgate catalog update`: takes another copy, and shows what differs from the former one.

use sandgate_catalog::{Contents, FindError, copy, difference, digest, fetch, forget};
use sandgate_config::Scalar;
use sandgate_text::printable;
use toml_edit::DocumentMut;

use super::configuration::{Named, parsed, put, read, unedited};
use super::error::VerbError;
use super::list::told;
use super::search::LINES;

pub(crate) fn update(asked: &Named) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let name = &asked.name;
    let Some(known) = loaded.config.catalogs.get(name) else {
        return Err(FindError::UnknownCatalog(printable(name)).into());
    };
    if !loaded.config.catalog.permits(name) {
        return Err(FindError::Forbidden(name.clone()).into());
    }
    let text = fetch(&known.source, &loaded.files)?;
    let now =
        Contents::read(&text).map_err(|error| VerbError::Format(known.source.clone(), error))?;
    let new = digest(&text);
    if new == known.digest.write() && copy(&loaded, name).is_ok() {
        return Ok(format!("{name} is what it was: {}", told(&now)));
    }
    // A copy that cannot be used any more has nothing to compare with.
    let lines = match copy(&loaded, name) {
        Ok(before) => difference(&before, &now),
        Err(error) => vec![error.to_string()],
    };
    let edit = |text: &str| -> Option<String> {
        let mut document: DocumentMut = text.parse().ok()?;
        let table = document.get_mut("catalogs")?.as_table_like_mut()?;
        let value = table
            .get_mut(name)?
            .as_table_like_mut()?
            .get_mut("digest")?
            .as_value_mut()?;
        let mut other = toml_edit::Value::from(new.as_str());
        *other.decor_mut() = value.decor().clone();
        *value = other;
        Some(document.to_string())
    };
    let config = edit(loaded.source.text()).ok_or_else(|| unedited(name))?;
    parsed(&config)?;
    put(&asked.configured, &loaded, name, &text, &config)?;
    let old = known.digest.write();
    if old != new {
        forget(&loaded.files, name, &old)?;
    }
    let mut said = format!("{name}: {}\n", told(&now));
    for line in lines.iter().take(LINES) {
        said.push_str(&format!("  {}\n", printable(line)));
    }
    if lines.len() > LINES {
        said.push_str(&format!("  and {} more\n", lines.len() - LINES));
    }
    for (server, table) in &loaded.config.servers {
        let Some(origin) = table.catalog.as_ref().filter(|origin| origin.name == *name) else {
            continue;
        };
        let about = |line: &&String| {
            let title = line[2..].split([':', '@']).next();
            title == Some(origin.entry.as_str())
        };
        if let Some(line) = lines.iter().find(about) {
            said.push_str(&format!(
                "The server {server} came from it, and stays as it is: {}\n",
                printable(line)
            ));
        }
    }
    Ok(said)
}
