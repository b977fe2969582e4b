//! `sandgate alerts`: what wakes somebody, and whether its receivers answer.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use sandgate_alerts::{AlertStatus, TestReport};
use sandgate_daemon::admin::Ask;

use crate::exit::{ask, fail, show};
use crate::reached::Reached;

/// `sandgate alerts`.
#[derive(Clone, Debug, Args)]
pub struct Alerts {
    /// What to do with them.
    #[command(subcommand)]
    pub what: Option<What>,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with alerts.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Show the rules, what lasts, and the last message of each [default]
    List(Asked),
    /// Send a message to the receiver of a rule now, and say what came back
    Test(Test),
}

/// `sandgate alerts list`.
#[derive(Clone, Debug, Args)]
pub struct Asked {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate alerts test`.
#[derive(Clone, Debug, Args)]
pub struct Test {
    /// The rule's name
    pub name: String,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks the gateway, and prints its answer.
pub fn carry_out(asked: &Alerts) -> ExitCode {
    match &asked.what {
        None => list(&asked.reached, asked.json),
        Some(What::List(asked)) => list(&asked.reached, asked.json),
        Some(What::Test(asked)) => test(asked),
    }
}

fn list(reached: &Reached, json: bool) -> ExitCode {
    match ask::<Vec<AlertStatus>>(reached, Ask::Alerts) {
        Ok(alerts) => {
            show(json, &alerts, || match alerts.is_empty() {
                true => "No alerts: nothing wakes anybody.\n".to_owned(),
                false => AlertStatus::text(&alerts),
            });
            ExitCode::SUCCESS
        }
        Err(error) => fail(&*error),
    }
}

fn test(asked: &Test) -> ExitCode {
    let name = asked.name.clone();
    match ask::<TestReport>(&asked.reached, Ask::AlertTest { name }) {
        Ok(report) => {
            show(asked.json, &report, || report.text());
            match report.delivery.ok {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => fail(&*error),
    }
}
