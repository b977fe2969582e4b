//! `sandgate catalog`: lists of servers that others keep, of which copies are taken and looked through.

mod add;
mod configuration;
mod error;
mod list;
mod remove;
mod search;
mod show;
mod update;

use std::process::ExitCode;

use clap::Subcommand;

use crate::terminal::print;
use add::{Added, add};
use configuration::Named;
use list::{Listed, list};
use remove::remove;
use search::{Searched, search};
use show::{Shown, show};
use update::update;

pub(crate) use configuration::{read, replace};
pub(crate) use error::VerbError;
pub(crate) use list::name_of;
pub(crate) use show::printable_lines;

/// `sandgate catalog`.
#[derive(Clone, Debug, Subcommand)]
pub enum Catalog {
    /// Take a copy of a catalog, and write it into the configuration
    Add(Added),
    /// Take another copy, and show what differs from the former one
    Update(Named),
    /// List the catalogs, or what is in one and why some of it cannot be added
    List(Listed),
    /// Remove a catalog and its copy; servers that came from it stay
    Remove(Named),
    /// Show the entries in which every word stands
    Search(Searched),
    /// Show what an entry asks for, and what would be written
    Show(Shown),
}

/// Carries out the verb.
pub fn carry_out(asked: &Catalog) -> ExitCode {
    let done = match asked {
        Catalog::Add(asked) => add(asked),
        Catalog::Update(asked) => update(asked),
        Catalog::List(asked) => list(asked),
        Catalog::Remove(asked) => remove(asked),
        Catalog::Search(asked) => search(asked),
        Catalog::Show(asked) => show(asked),
    };
    match done {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => error.exit(),
    }
}
