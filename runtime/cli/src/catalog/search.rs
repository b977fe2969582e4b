//! `sandgate catalog search`: the entries in which every word stands.

use clap::Args;
use sandgate_catalog::{Catalog as Kept, Catalogs, Entry, FindError};
use sandgate_text::grid;

use super::configuration::read;
use super::error::VerbError;
use crate::reached::Configured;

/// The most entries and differences that are shown.
pub(crate) const LINES: usize = 100;

/// `sandgate catalog search`.
#[derive(Clone, Debug, Args)]
pub struct Searched {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// Words of names and descriptions
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
    /// Only this catalog
    #[arg(long, value_name = "CATALOG")]
    pub from: Option<String>,
}

pub(crate) fn search(asked: &Searched) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let catalogs = Catalogs::of(&loaded, asked.from.as_deref())?;
    if catalogs.0.is_empty() {
        return Err(FindError::NoCatalog.into());
    }
    let found = catalogs.search(&asked.words);
    if found.is_empty() {
        return Ok("Nothing is found.".into());
    }
    let line = |(catalog, entry): &(&Kept, &Entry)| {
        let offers = entry.offers.iter().flatten().next();
        let runs = offers.map_or_else(|| "refused".to_owned(), |offer| offer.runs.to_string());
        let words: String = entry.description.chars().take(60).collect();
        vec![catalog.name.clone(), entry.title(), runs, words]
    };
    let mut text = String::new();
    grid(found.iter().take(LINES).map(line).collect(), &mut text);
    if found.len() > LINES {
        text.push_str(&format!(
            "and {} more; name more words\n",
            found.len() - LINES
        ));
    }
    Ok(text)
}
