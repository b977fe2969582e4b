//! Classifying failed runs by the error that wasmtime reports and the reason for which the sandbox stopped the guest.

use rustix::io::Errno;
use sandgate_message::Failure;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::fault_report::{self, FaultReport, cut_detail};
use crate::meter::Expiry;

/// Why the sandbox stopped a guest. It is set before the guest stops and takes precedence over the error that the guest
/// ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The run used up its own time.
    Deadline,
    /// The run lasted until its deadline, most of the time waiting for a processor.
    Overload,
    /// The guest needs more memory than its limit, in bytes.
    Memory(u64),
    /// The guest exceeded the named quota.
    Quota(&'static str),
    /// The guest returned what the contract does not allow.
    Malformed(String),
}

impl From<Expiry> for StopReason {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Timeout => Self::Deadline,
            Expiry::Overload => Self::Overload,
        }
    }
}

/// A run lasted until its deadline, most of the time waiting for a processor.
pub(crate) const NO_PROCESSOR: Failure = Failure::Overload("a processor");

/// Classifies a failed run. `said` is the fault that the guest reported before it trapped; it tells more than the trap.
/// `stderr` is the end of what the guest wrote there.
pub(crate) fn classify(
    error: &wasmtime::Error,
    stop_reason: Option<StopReason>,
    timeout: std::time::Duration,
    said: Option<FaultReport>,
    stderr: &[u8],
) -> Failure {
    match stop_reason {
        Some(StopReason::Deadline) => {
            return Failure::Deadline {
                limit: timeout,
                frames: seen(error),
            };
        }
        Some(StopReason::Overload) => return NO_PROCESSOR,
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
    // The type of this error is private to wasmtime, so its text has to do.
    if cause.contains("fuel allocated for hostcalls") {
        return Failure::Quota("bytes handed over at once");
    }
    let reason = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "unreachable (a panic or an abort)".into(),
        Some(trap) => trap.to_string(),
        None => cause,
    };
    let seen = seen(error);
    let (reason, frames, mut detail) = match said {
        None => (reason, seen, String::new()),
        // The guest knows the place of the fault; the backtrace of the trap adds how the guest got there.
        Some(FaultReport {
            kind,
            frames,
            detail,
        }) => {
            let named = if kind.is_empty() { reason } else { kind };
            (named, merge_frames(frames, seen), detail)
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
        detail: cut_detail(detail),
    }
}

/// The frames of the guest where it stopped.
fn seen(error: &wasmtime::Error) -> Vec<String> {
    error
        .downcast_ref::<WasmBacktrace>()
        .map(fault_report::trap_frames)
        .unwrap_or_default()
}

/// The frames that the guest reported, then those of the backtrace. A place is listed once.
fn merge_frames(mut said: Vec<String>, seen: Vec<String>) -> Vec<String> {
    let place = |frame: &str| frame.split(" in ").next().unwrap_or_default().to_owned();
    for frame in seen {
        if said.len() < fault_report::MAX_FRAMES
            && !said.iter().any(|known| place(known) == place(&frame))
        {
            said.push(frame);
        }
    }
    said
}
