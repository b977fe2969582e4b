//! The verb `promote`: its arguments, its question and its output.

use std::process::ExitCode;

use clap::Args;
use sandgate_config::Environment;
use sandgate_telemetry::logging::say;
use tracing::Level;

use super::{PromoteError, plan};
use crate::exit::{complain, fail, refuse, runtime};
use crate::reached::Reached;
use crate::terminal::print;

/// `sandgate promote`.
#[derive(Clone, Debug, Args)]
pub struct Promote {
    /// The interceptor
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// Show how the candidate did and what would change in the file, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Ask nothing, whatever speaks against it
    #[arg(short, long)]
    pub yes: bool,
}

/// Shows what a promotion would do, and does it.
pub fn carry_out(asked: &Promote) -> ExitCode {
    let environment = Environment::of_process();
    let planned = runtime(None).map(|runtime| runtime.block_on(plan(asked, &environment)));
    let plan = match planned {
        Ok(Ok(plan)) => plan,
        Ok(Err(PromoteError::Config(report))) => return refuse(&report),
        Ok(Err(error)) => {
            complain(&error);
            return ExitCode::from(2);
        }
        Err(error) => return fail(&error),
    };
    print(&plan.text());
    for doubt in plan.doubts() {
        say(Level::WARN, &format!("doubtful: {doubt}"));
    }
    if asked.dry_run {
        return ExitCode::SUCCESS;
    }
    if !plan.doubts().is_empty() && !asked.yes && !confirmed() {
        say(Level::WARN, "Nothing has changed.");
        return ExitCode::FAILURE;
    }
    match plan.carry_out() {
        Ok(promoted) => {
            print(promoted.text());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

/// Asks the user. Without a terminal, the answer is no.
fn confirmed() -> bool {
    use std::io::{IsTerminal, Write};
    if !std::io::stdin().is_terminal() {
        say(Level::WARN, "--yes promotes it all the same.");
        return false;
    }
    let _ = std::io::stderr().write_all(b"Promote it all the same? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
