//! `sandgate reload`: makes the running gateway read its configuration and plugins anew.

use std::process::ExitCode;

use clap::Args;
use sandgate_daemon::admin::Ask;
use sandgate_daemon::reload_report::ReloadReport;
use sandgate_telemetry::logging::say;
use tracing::Level;

use crate::exit::{ask, fail, show};
use crate::reached::Reached;

/// `sandgate reload`.
#[derive(Clone, Debug, Args)]
pub struct Reload {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Makes the gateway reload, and prints the report.
pub fn carry_out(asked: &Reload) -> ExitCode {
    match ask::<ReloadReport>(&asked.reached, Ask::Reload) {
        Ok(outcome) => {
            let (text, aside) = outcome.text();
            show(asked.json, &outcome, || text);
            if !asked.json {
                say(Level::WARN, &aside);
            }
            match outcome.error {
                None => ExitCode::SUCCESS,
                Some(_) => ExitCode::FAILURE,
            }
        }
        Err(error) => fail(&*error),
    }
}
