//! `sandgate egress`: what a contained server reached, what it was refused and why, and the list that it needed.

mod made;
mod needed;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use sandgate_config::{Environment, Period, Scalar};
use sandgate_daemon::admin::{self, Ask, AskError};
use sandgate_daemon::locate::Unknown;
use sandgate_telemetry::call_log::search::SearchError;
use serde_json::value::RawValue;

use crate::exit::{fail, show};
use crate::reached::Reached;
use needed::Needed;

pub(crate) use made::{Made, shown};

/// `sandgate egress`.
#[derive(Clone, Debug, Args)]
pub struct Egress {
    /// The server's name in the configuration
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Only what ended within this time, for example 1h
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub since: Option<Period>,
    /// Look in this call log alone [default: the configuration's call log, else what the running gateway remembers]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
enum EgressError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

fn period(text: &str) -> Result<Period, String> {
    Period::read(text).map_err(|mistake| format!("it {}; {}", mistake.why, mistake.help))
}

/// Reads the connections, and prints what they come to.
pub fn carry_out(asked: &Egress) -> ExitCode {
    match connections(asked) {
        Ok(made) => {
            let needed = Needed::of(&asked.server, &made);
            show(asked.json, &needed, || needed.text());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

fn connections(asked: &Egress) -> Result<Vec<Made>, EgressError> {
    let mut made = match &asked.log {
        Some(file) => Made::in_file(file, false, &asked.server)?,
        None => {
            let located = asked.reached.locate(&Environment::of_process())?;
            match &located.call_log {
                Some(file) => Made::in_file(file, true, &asked.server)?,
                None => {
                    let server = asked.server.clone();
                    let lines: Vec<Box<RawValue>> =
                        admin::ask(located.socket()?, Ask::Egress { server })?;
                    lines
                        .iter()
                        .filter_map(|line| Made::of(line.get()))
                        .collect()
                }
            }
        }
    };
    let since = asked
        .since
        .and_then(|since| SystemTime::now().checked_sub(since.0));
    if let Some(since) = since {
        made.retain(|one| one.ended().is_none_or(|ended| ended >= since));
    }
    Ok(made)
}
