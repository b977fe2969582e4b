//! What the verbs have in common: a runtime, the gateway that is asked, what is printed, and exit codes (2: nothing was
//! started, 1: something failed later).

use std::process::ExitCode;

use sandgate_config::{Environment, Report};
use sandgate_daemon::admin::{self, Ask};
use sandgate_telemetry::logging::{self, say};
use tracing::Level;

use crate::args::Reached;
use crate::terminal::print;

pub fn ask<T: serde::de::DeserializeOwned>(
    reached: &Reached,
    ask: Ask,
) -> Result<T, Box<dyn std::error::Error>> {
    let operator = reached.operator(&Environment::of_process())?;
    Ok(admin::ask(operator.place()?, ask)?)
}

pub fn show(json: bool, told: &impl serde::Serialize, text: impl FnOnce() -> String) {
    match json {
        true => print(&format!(
            "{:#}",
            serde_json::to_value(told).unwrap_or_default()
        )),
        false => print(&text()),
    }
}

pub fn runtime(workers: Option<u16>) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(usize::from(workers));
    }
    builder.enable_all().build()
}

pub fn refuse(report: &Report) -> ExitCode {
    logging::say_report(report);
    ExitCode::from(2)
}

pub fn fail(error: &dyn std::error::Error) -> ExitCode {
    complain(error);
    ExitCode::FAILURE
}

pub fn complain(error: &(impl std::fmt::Display + ?Sized)) {
    say(Level::ERROR, &error.to_string());
}
