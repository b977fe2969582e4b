//! What the verbs share: a runtime, questions to the running gateway, printing, and exit codes (2: nothing was started,
//! 1: something failed later).

use std::process::ExitCode;

use sandgate_config::{Environment, Report};
use sandgate_daemon::admin::{self, Ask};
use sandgate_telemetry::logging::{self, say};
use tracing::Level;

use crate::reached::Reached;
use crate::terminal::print;

/// Asks the running gateway, and returns its answer.
pub(crate) fn ask<T: serde::de::DeserializeOwned>(
    reached: &Reached,
    ask: Ask,
) -> Result<T, Box<dyn std::error::Error>> {
    let located = reached.locate(&Environment::of_process())?;
    Ok(admin::ask(located.socket()?, ask)?)
}

/// Prints a value as JSON for programs, or as text for people.
pub(crate) fn show(json: bool, told: &impl serde::Serialize, text: impl FnOnce() -> String) {
    match json {
        true => print(&format!(
            "{:#}",
            serde_json::to_value(told).unwrap_or_default()
        )),
        false => print(&text()),
    }
}

/// A multi-threaded runtime. With `None`, it has one thread for each processor.
pub(crate) fn runtime(workers: Option<u16>) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(usize::from(workers));
    }
    builder.enable_all().build()
}

/// Reports a wrong configuration. Nothing was started.
pub(crate) fn refuse(report: &Report) -> ExitCode {
    logging::say_report(report);
    ExitCode::from(2)
}

/// Reports a failure after the start.
pub(crate) fn fail(error: &dyn std::error::Error) -> ExitCode {
    complain(error);
    ExitCode::FAILURE
}

/// Tells people an error.
pub(crate) fn complain(error: &(impl std::fmt::Display + ?Sized)) {
    say(Level::ERROR, &error.to_string());
}
