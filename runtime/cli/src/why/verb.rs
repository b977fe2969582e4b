//! The verb `why`: its arguments and its output.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sandgate_config::Environment;

use super::find;
use crate::exit::{fail, show};
use crate::reached::Reached;

/// `sandgate why`.
#[derive(Clone, Debug, Args)]
pub struct Why {
    /// The call's id, or the beginning of it; a refusal names its own as `callId`
    #[arg(
        value_name = "CALL-ID",
        required_unless_present = "last",
        conflicts_with = "last"
    )]
    pub call: Option<String>,
    /// The last call that ended
    #[arg(long)]
    pub last: bool,
    /// Look in this call log alone [default: the running gateway, then the configuration's call log]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// The call's records, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Finds the call, and prints its story.
pub fn carry_out(asked: &Why) -> ExitCode {
    let located = asked.reached.locate(&Environment::of_process());
    let found = find(located, asked.call.as_deref(), asked.log.clone());
    let told = found.and_then(|found| {
        let text = match asked.json {
            true => String::new(),
            false => found.text()?,
        };
        show(asked.json, &found.records, || text);
        Ok(())
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}
