//! Opens the call log that a configuration names.

use std::sync::Arc;

use sandgate_config::{Loaded, Report, ResolvedSink, Side};
use sandgate_telemetry::call_log::{
    Auditor, CallLogParts, CallLogTarget, CallLogWriter, OpenError, Payloads, Rotation,
};

/// Opens the call log of the configuration, with the sinks to which it sends.
///
/// # Errors
///
/// The call log cannot be opened.
pub fn open_call_log(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
) -> Result<CallLogWriter, Report> {
    let auditor = open_auditor(loaded)?;
    let target = open_call_log_target(loaded, stdio, sinks, auditor.as_ref())?;
    Ok(CallLogWriter::to(target).audited(auditor))
}

/// Opens another target for a call log that exists.
pub(crate) fn open_call_log_target(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
    auditor: Option<&Arc<Auditor>>,
) -> Result<CallLogTarget, Report> {
    let to = loaded.call_log_destination(stdio)?;
    let config = &loaded.config.call_log;
    let report = |place: &str, error: OpenError| {
        let help = match &error {
            OpenError::File(_) => {
                "correct the path, make its folder, or let the gateway's user write there"
            }
            OpenError::Key { .. } => "make one: sandgate audit key FILE --hash",
            OpenError::Mode { .. } => "let its owner alone read it: chmod 600",
            OpenError::Owner { .. } => "give it to the gateway's user: chown",
            OpenError::Sink { .. } => "name a file with certificates in PEM, or leave `ca` out",
            OpenError::AnotherKey(_) => {
                "where the log was handed over, name the new key as `audit.key`; where its key is lost, or somebody changed \
                 the file, begin another log: move the log's files, this one and a file anchor away together, and keep \
                 them"
            }
            _ => "give each gateway a log of its own, in a folder where it may write",
        };
        let issue = loaded.error(place, Side::Value, error);
        loaded.report(vec![issue.help(help)])
    };
    let payloads = Payloads::of(config, &loaded.files);
    let parts = CallLogParts {
        payloads: payloads.map_err(|error| report("/call-log/hash-key", error))?,
        rotation: Rotation::of(config),
        sinks,
        auditor,
    };
    let opened = CallLogTarget::open(&to, &loaded.files, parts);
    opened.map_err(|error| match error {
        OpenError::Sink { index, .. } => report(&format!("/call-log/sinks/{index}/ca"), error),
        error => report("/call-log/to", error),
    })
}

fn open_auditor(loaded: &Loaded) -> Result<Option<Arc<Auditor>>, Report> {
    let Some(audit) = &loaded.config.audit else {
        return Ok(None);
    };
    Auditor::new(audit, &loaded.files)
        .map(Some)
        .map_err(|error| {
            let (place, help) = match error {
                OpenError::Mode { .. } => ("/audit/key", "let its owner alone read it: chmod 600"),
                OpenError::Owner { .. } => ("/audit/key", "give it to the gateway's user: chown"),
                OpenError::FormerKey { .. } => (
                    "/audit/former-keys",
                    "write the line that `sandgate audit key` printed for it",
                ),
                _ => ("/audit/key", "make one: sandgate audit key FILE"),
            };
            let issue = loaded.error(place, Side::Value, error);
            loaded.report(vec![issue.help(help)])
        })
}
