//! `sandgate status`: shows the status of the running gateway.

use std::process::ExitCode;

use clap::Args;
use sandgate_daemon::admin::Ask;
use sandgate_daemon::status;

use crate::exit::{ask, fail, show};
use crate::reached::Reached;

/// `sandgate status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks the gateway, and prints its status.
pub fn carry_out(asked: &Status) -> ExitCode {
    match ask::<status::Status>(&asked.reached, Ask::Status) {
        Ok(status) => {
            show(asked.json, &status, || status.text());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&*error),
    }
}
