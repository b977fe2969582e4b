//! `sandgate plugin`: a look at a plugin, and what its author needs.

use std::process::ExitCode;

use sandgate_assembly::inspect;

use crate::args::{Inspect, Plugin};
#[cfg(feature = "authoring")]
use crate::author;
use crate::exit::complain;
use crate::terminal::print;

/// Carries out what is asked for.
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
