//! `sandgate lock`: resolves servers' packages, writes `sandgate.lock`, shows what differs from it, and installs.

mod compare;
mod complete;
mod finish;
mod update;

use std::process::ExitCode;

use clap::Args;

use crate::reached::Configured;
use crate::supply::Stand;

/// `sandgate lock`.
#[derive(Clone, Debug, Args)]
pub struct LockPackages {
    /// The configuration whose packages and plugins are locked.
    #[command(flatten)]
    pub configured: Configured,
    /// Compare the configuration with its lock, ask no registry and write nothing [exit code 1: they differ]
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
    /// Resolve this server's package anew, or take this interceptor's plugin as it is now; shows what changes, and asks
    #[arg(long, value_name = "NAME")]
    pub update: Option<String>,
    /// With --update: approve without asking
    #[arg(long, requires = "update")]
    pub yes: bool,
}

/// Carries out the verb.
pub fn carry_out(asked: &LockPackages) -> ExitCode {
    let done = Stand::of(&asked.configured).and_then(|stand| match (asked.check, &asked.update) {
        (true, _) => stand.compare(),
        (false, Some(name)) => stand.update(name, asked.yes),
        (false, None) => stand.complete(),
    });
    done.unwrap_or_else(|error| error.exit())
}
