//! `sandgate stop`, `resume` and `stops`: what the running gateway is to let pass no more, until further notice.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use sandgate_config::Period;
use sandgate_daemon::admin::Ask;
use sandgate_daemon::stops::{StopReport, StopStatus};
use sandgate_gateway::StopKind;
use sandgate_telemetry::logging::say;
use tracing::Level;

use crate::exit::{ask, fail, show};
use crate::reached::Reached;

/// `sandgate stop`.
#[derive(Clone, Debug, Args)]
pub struct Stop {
    /// What to stop
    #[arg(value_enum)]
    pub kind: Kind,
    /// Its name in the configuration; a tool as SERVER/TOOL, where TOOL may hold `*`; a plugin by its interceptor's name,
    /// or by its own for all its interceptors
    pub name: String,
    /// For how long, for example 30m or 1h [default: until it is resumed]
    #[arg(long, value_name = "TIME")]
    pub r#for: Option<Period>,
    /// Why, for whoever finds it stopped: recorded, and shown by `status` and `why`
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// Also if the configuration does not know the name
    #[arg(long)]
    pub unknown: bool,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate resume`.
#[derive(Clone, Debug, Args)]
pub struct Resume {
    /// What is stopped
    #[arg(value_enum)]
    pub kind: Kind,
    /// Its name, as `sandgate stops` shows it
    pub name: String,
    /// Why, for the record [default: the reason of the stop]
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandgate stops`.
#[derive(Clone, Debug, Args)]
pub struct Stops {
    /// The running gateway to ask.
    #[command(flatten)]
    pub reached: Reached,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A server: nothing is sent to it, and its programs are ended
    Server,
    /// A client: whatever it sends is turned away, and its sessions are ended
    Client,
    /// A tool: it is not listed, and calls of it are refused
    Tool,
    /// A plugin: it is not run, and what it would judge is refused
    Plugin,
}

impl From<Kind> for StopKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Tool => Self::Tool,
            Kind::Plugin => Self::Plugin,
        }
    }
}

/// Stops something, and prints what came of it.
pub fn carry_out(asked: &Stop) -> ExitCode {
    let period = asked.r#for.map(|period| period.0.as_millis());
    let question = Ask::Stop {
        kind: asked.kind.into(),
        name: asked.name.clone(),
        for_ms: period.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        why: asked.why.clone(),
        unknown: asked.unknown,
    };
    tell(ask(&asked.reached, question), asked.json)
}

/// Lifts a stop, and prints what came of it.
pub fn resume(asked: &Resume) -> ExitCode {
    let question = Ask::Resume {
        kind: asked.kind.into(),
        name: asked.name.clone(),
        why: asked.why.clone(),
    };
    tell(ask(&asked.reached, question), asked.json)
}

/// Lists the stops.
pub fn list(asked: &Stops) -> ExitCode {
    match ask::<Vec<StopStatus>>(&asked.reached, Ask::Stops) {
        Ok(stops) => {
            show(asked.json, &stops, || match stops.is_empty() {
                true => "Nothing is stopped.\n".to_owned(),
                false => StopStatus::table(&stops),
            });
            ExitCode::SUCCESS
        }
        Err(error) => fail(&*error),
    }
}

fn tell(report: Result<StopReport, Box<dyn std::error::Error>>, json: bool) -> ExitCode {
    match report {
        Ok(report) => {
            let (text, doubts) = report.text();
            show(json, &report, || text);
            if report.doubts.is_empty() {
                return ExitCode::SUCCESS;
            }
            say(Level::ERROR, &doubts);
            ExitCode::FAILURE
        }
        Err(error) => fail(&*error),
    }
}
