//! Opens the call log that a configuration names.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use sandgate_config::{Environment, Loaded, Report, ResolvedSink, Side};
use sandgate_telemetry::call_log::{
    Auditor, CallLogParts, CallLogTarget, CallLogWriter, OpenError, Payloads, Rotation,
};

use crate::admin::SocketPath;

/// Opens the call log of the configuration, with the sinks to which it sends.
///
/// # Errors
///
/// The call log cannot be opened.
pub(crate) fn open_call_log(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
) -> Result<CallLogWriter, Report> {
    let auditor = open_auditor(loaded)?;
    let target = open_call_log_target(loaded, stdio, sinks, auditor.as_ref())?;
    Ok(CallLogWriter::to(target).audited(auditor))
}

/// Checks that the call log of the configuration can be opened. Where the gateway of this configuration runs, it holds
/// the log, as it should.
///
/// # Errors
///
/// The call log cannot be opened.
pub fn check_call_log(
    loaded: &Loaded,
    environment: &Environment,
    sinks: Vec<ResolvedSink>,
) -> Result<(), Report> {
    let auditor = open_auditor(loaded)?;
    match open(loaded, false, sinks, auditor.as_ref())? {
        Err((_, OpenError::Locked(_))) if is_served(loaded, environment) => Ok(()),
        opened => opened.map(drop).map_err(|error| refused(loaded, error)),
    }
}

/// Whether a gateway answers operators of this configuration.
fn is_served(loaded: &Loaded, environment: &Environment) -> bool {
    let admin = loaded.config.gateway.admin.as_ref();
    SocketPath::of(loaded.source.path(), admin, environment)
        .is_some_and(|socket| UnixStream::connect(socket.path).is_ok())
}

/// Opens another target for a call log that exists.
pub(crate) fn open_call_log_target(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
    auditor: Option<&Arc<Auditor>>,
) -> Result<CallLogTarget, Report> {
    open(loaded, stdio, sinks, auditor)?.map_err(|error| refused(loaded, error))
}

/// Opens a target. What is wrong with it is told with its place in the configuration.
fn open(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
    auditor: Option<&Arc<Auditor>>,
) -> Result<Result<CallLogTarget, (String, OpenError)>, Report> {
    let to = loaded.call_log_destination(stdio)?;
    let config = &loaded.config.call_log;
    let payloads = match Payloads::of(config, &loaded.files) {
        Ok(payloads) => payloads,
        Err(error) => return Ok(Err(("/call-log/hash-key".into(), error))),
    };
    let parts = CallLogParts {
        payloads,
        rotation: Rotation::of(config),
        sinks,
        auditor,
    };
    let opened = CallLogTarget::open(&to, &loaded.files, parts);
    Ok(opened.map_err(|error| match error {
        OpenError::Sink { index, .. } => (format!("/call-log/sinks/{index}/ca"), error),
        error => ("/call-log/to".into(), error),
    }))
}

fn refused(loaded: &Loaded, (place, error): (String, OpenError)) -> Report {
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
    let issue = loaded.error(&place, Side::Value, error);
    loaded.report(vec![issue.help(help)])
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
