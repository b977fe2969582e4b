//! `sandgate catalog list`: the catalogs, or what is in one and why some of it cannot be added.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use sandgate_catalog::{Contents, Entry, FindError, Plan, PlanError, Refusal, Wanted, copy};
use sandgate_config::Loaded;
use sandgate_text::{grid, printable};

use super::configuration::read;
use super::error::VerbError;
use crate::reached::Configured;

/// `sandgate catalog list`.
#[derive(Clone, Debug, Args)]
pub struct Listed {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// What is in this catalog
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

pub(crate) fn list(asked: &Listed) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    if let Some(name) = &asked.name {
        if !loaded.config.catalogs.contains_key(name) {
            return Err(FindError::UnknownCatalog(printable(name)).into());
        }
        return Ok(entries(name, &copy(&loaded, name)?));
    }
    if loaded.config.catalogs.is_empty() {
        return Err(FindError::NoCatalog.into());
    }
    let lines = loaded.config.catalogs.iter().map(|(name, known)| {
        let state = match copy(&loaded, name) {
            _ if !loaded.config.catalog.permits(name) => "may not be used".to_owned(),
            Ok(contents) => told(&contents),
            Err(error) => error.to_string(),
        };
        vec![name.clone(), known.source.clone(), state]
    });
    let mut text = String::new();
    grid(lines.collect(), &mut text);
    Ok(text)
}

/// Every entry with what would run, or why it cannot be added.
fn entries(catalog: &str, contents: &Contents) -> String {
    let mut lines = Vec::new();
    let mut refused = contents.refused.len();
    for entry in &contents.entries {
        let state = match tried(catalog, entry) {
            Ok(runs) => runs,
            Err(why) => {
                refused += 1;
                format!("refused: {}", why.replace('\n', "; "))
            }
        };
        lines.push(vec![entry.title(), state]);
    }
    let unusable = contents.refused.iter();
    lines.extend(unusable.map(|why| vec!["?".to_owned(), format!("refused: {why}")]));
    let all = lines.len();
    let mut text = String::new();
    grid(lines, &mut text);
    text.push_str(&format!(
        "{all} entries: {} can be added, {refused} cannot.\n",
        all - refused
    ));
    text
}

/// What an entry would run, or why it cannot be added to any configuration.
fn tried(catalog: &str, entry: &Entry) -> Result<String, String> {
    let server = name_of(entry);
    let values = BTreeMap::new();
    let wanted = Wanted {
        server: &server,
        catalog,
        entry,
        values: &values,
    };
    match Plan::of(&wanted) {
        Ok(plan) => {
            let empty = Loaded::parse(Path::new("sandgate.toml"), String::new());
            let empty = empty.map_err(|report| report.summary())?;
            plan.written(&empty, &server)
                .map_err(|error| error.to_string())?;
            let runs = entry.offers.iter().flatten().next();
            Ok(runs.map_or_else(String::new, |offer| offer.runs.to_string()))
        }
        // It asks for a value first.
        Err(PlanError::Value(Refusal(why))) => Ok(why),
        Err(PlanError::Refused(_, why)) => Err(why.trim().replace("\n  ", "\n")),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn told(contents: &Contents) -> String {
    let (entries, refused) = (contents.entries.len(), contents.refused.len());
    let unusable = match refused {
        0 => String::new(),
        _ => format!(", and {refused} cannot be read"),
    };
    format!(
        "{entries} entries{unusable}, in the format {}.",
        contents.format
    )
}

/// The name that an entry's server has where nobody gives another.
pub(crate) fn name_of(entry: &Entry) -> String {
    sandgate_import::server_name(entry.name.rsplit('/').next().unwrap_or_default())
}
