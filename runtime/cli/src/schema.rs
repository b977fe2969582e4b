//! `sandgate schema`: the JSON Schema of the configuration.

use std::process::ExitCode;

use sandgate_config::schema;

use crate::terminal::print;

/// Prints the schema.
pub fn carry_out() -> ExitCode {
    print(&format!("{:#}", schema::value()));
    ExitCode::SUCCESS
}
