//! What the verbs have in common: a runtime, the gateway that is asked, what is printed, and exit codes (2: nothing was
//! started, 1: something failed later).

use std::process::ExitCode;

use sandgate_config::{Environment, Report};
use sandgate_daemon::admin::{self, Ask};
use sandgate_telemetry::logging::{self, say};
use tracing::Level;

use crate::args::Reached;
use crate::terminal::print;

/// What the running gateway answers.
pub(crate) fn ask<T: serde::de::DeserializeOwned>(
    reached: &Reached,
    ask: Ask,
) -> Result<T, Box<dyn std::error::Error>> {
    let located = reached.locate(&Environment::of_process())?;
    Ok(admin::ask(located.socket()?, ask)?)
}

/// Prints it, for programs or for people.
pub(crate) fn show(json: bool, told: &impl serde::Serialize, text: impl FnOnce() -> String) {
    match json {
        true => print(&format!(
            "{:#}",
            serde_json::to_value(told).unwrap_or_default()
        )),
        false => print(&text()),
    }
}

/// What runs on several threads; none: as many as there are processors.
pub(crate) fn runtime(workers: Option<u16>) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(usize::from(workers));
    }
    builder.enable_all().build()
}

/// Nothing was started: the configuration is wrong.
pub(crate) fn refuse(report: &Report) -> ExitCode {
    logging::say_report(report);
    ExitCode::from(2)
}

/// Something failed later.
pub(crate) fn fail(error: &dyn std::error::Error) -> ExitCode {
    complain(error);
    ExitCode::FAILURE
}

/// Tells people why.
pub(crate) fn complain(error: &(impl std::fmt::Display + ?Sized)) {
    say(Level::ERROR, &error.to_string());
}
