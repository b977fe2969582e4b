//! Every way a plugin fails, told from what wasmtime reports and from what the sandbox saw.

use rustix::io::Errno;
use sandgate_message::Failure;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::fault_report::{self, FaultReport, cut};
use crate::meter::Stop;

/// Set by the sandbox before it stops a guest; goes before what the guest made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    Deadline,
    Overload,
    /// The bytes it may have.
    Memory(u64),
    Quota(&'static str),
    Malformed(String),
}

impl From<Stop> for StopReason {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Timeout => Self::Deadline,
            Stop::Overload => Self::Overload,
        }
    }
}

/// It lasted too long, most of it for others.
pub(crate) const PROCESSOR: Failure = Failure::Overload("a processor");

/// What a failed run comes to. What the guest itself said of it before (`said`) says more than the trap it ended in.
pub(crate) fn classify(
    error: &wasmtime::Error,
    stop_reason: Option<StopReason>,
    timeout: std::time::Duration,
    said: Option<FaultReport>,
    stderr: &[u8],
) -> Failure {
    match stop_reason {
        Some(StopReason::Deadline) => return Failure::Deadline(timeout),
        Some(StopReason::Overload) => return PROCESSOR,
        Some(StopReason::Memory(bytes)) => return Failure::Memory(bytes),
        Some(StopReason::Quota(what)) => return Failure::Quota(what),
        Some(StopReason::Malformed(why)) => return Failure::Malformed(why),
        None => {}
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::Overload("a place in the instance pool");
    }
    if error.root_cause().downcast_ref() == Some(&Errno::NOMEM) {
        return Failure::Overload("memory for an instance");
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Failure::Quota("handles");
    }
    let cause = error.root_cause().to_string();
    // Wasmtime keeps the type to itself.
    if cause.contains("fuel allocated for hostcalls") {
        return Failure::Quota("bytes handed over at once");
    }
    let reason = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "unreachable (a panic or an abort)".into(),
        Some(trap) => trap.to_string(),
        None => cause,
    };
    let seen = error
        .downcast_ref::<WasmBacktrace>()
        .map(fault_report::frames)
        .unwrap_or_default();
    let (reason, frames, mut detail) = match said {
        None => (reason, seen, String::new()),
        // The way there adds to a place that is known already.
        Some(FaultReport {
            kind,
            frames,
            detail,
        }) => {
            let named = if kind.is_empty() { reason } else { kind };
            (named, joined(frames, seen), detail)
        }
    };
    if !stderr.is_empty() {
        if !detail.is_empty() {
            detail.push('\n');
        }
        detail.push_str("stderr:\n");
        detail.push_str(&String::from_utf8_lossy(stderr));
    }
    Failure::Trap {
        reason,
        frames,
        detail: cut(detail),
    }
}

/// Both, innermost first, no place twice.
fn joined(mut said: Vec<String>, seen: Vec<String>) -> Vec<String> {
    let place = |frame: &str| frame.split(" in ").next().unwrap_or_default().to_owned();
    for frame in seen {
        if said.len() < fault_report::FRAMES
            && !said.iter().any(|known| place(known) == place(&frame))
        {
            said.push(frame);
        }
    }
    said
}
