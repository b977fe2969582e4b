//! `sandgate catalog show`: what an entry asks for, and what would be written.

use std::collections::BTreeMap;

use clap::Args;
use sandgate_catalog::{Catalogs, Plan, Wanted};
use sandgate_text::printable;

use super::configuration::read;
use super::error::VerbError;
use super::list::name_of;
use crate::reached::Configured;

/// `sandgate catalog show`.
#[derive(Clone, Debug, Args)]
pub struct Shown {
    /// The configuration.
    #[command(flatten)]
    pub configured: Configured,
    /// The entry
    #[arg(value_name = "NAME[@VERSION]")]
    pub entry: String,
    /// The catalog that it is in
    #[arg(long, value_name = "CATALOG")]
    pub from: Option<String>,
}

pub(crate) fn show(asked: &Shown) -> Result<String, VerbError> {
    let loaded = read(&asked.configured)?;
    let catalogs = Catalogs::of(&loaded, asked.from.as_deref())?;
    let (catalog, entry) = catalogs.find(&loaded, &asked.entry, asked.from.as_deref())?;
    let mut text = format!("{} of the catalog {}\n", entry.title(), catalog.name);
    if !entry.description.is_empty() {
        text.push_str(&format!("{}\n", printable(&entry.description)));
    }
    for offer in &entry.offers {
        match offer {
            Ok(offer) => {
                text.push_str(&format!("\n  {}\n", printable(&offer.runs.to_string())));
                for input in &offer.inputs {
                    let default = input
                        .default
                        .as_ref()
                        .map(|text| format!(" [default: {text}]"));
                    let line = format!(
                        "--set {}=…  {}{}",
                        input.name,
                        input.description,
                        default.unwrap_or_default()
                    );
                    text.push_str(&format!("    {}\n", printable(&line)));
                }
                for secret in &offer.secrets {
                    let line = format!("secret {}  {}", secret.name, secret.description);
                    text.push_str(&format!("    {}\n", printable(&line)));
                }
            }
            Err(refusal) => text.push_str(&format!(
                "\n  refused: {}\n",
                printable(&refusal.to_string())
            )),
        }
    }
    let server = name_of(entry);
    let values = BTreeMap::new();
    let plan = Plan::of(&Wanted {
        server: &server,
        catalog: &catalog.name,
        entry,
        values: &values,
    });
    if let Ok(plan) = plan {
        let table = printable_lines(&plan.table);
        text.push_str(&format!("\nIt would be written as:\n\n{table}"));
    }
    Ok(text)
}

/// A text of several lines as a terminal may have it.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}
