//! `sandgate plugin`: inspects a plugin, and carries the verbs for its author.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use sandgate_assembly::inspect;
#[cfg(feature = "authoring")]
use sandgate_authoring::args::Author;

#[cfg(feature = "authoring")]
use crate::author;
use crate::exit::complain;
use crate::terminal::print;

/// `sandgate plugin`.
#[derive(Clone, Debug, Subcommand)]
pub enum Plugin {
    /// What an author of plugins needs.
    #[cfg(feature = "authoring")]
    #[command(flatten)]
    Author(Author),
    /// Show what a plugin is and asks for, without running it
    Inspect(Inspect),
}

/// `sandgate plugin inspect`.
#[derive(Clone, Debug, Args)]
pub struct Inspect {
    /// The component file, or `builtin:NAME`
    #[arg(value_name = "FILE")]
    pub plugin: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the verb.
pub fn carry_out(asked: &Plugin) -> ExitCode {
    match asked {
        #[cfg(feature = "authoring")]
        Plugin::Author(asked) => author::carry_out(asked),
        Plugin::Inspect(asked) => shown(asked),
    }
}

fn shown(asked: &Inspect) -> ExitCode {
    match inspect::read(&asked.plugin) {
        Ok(file) if asked.json => print(&format!("{:#}", inspect::as_json(&file))),
        Ok(file) => print(&inspect::as_text(&file)),
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
