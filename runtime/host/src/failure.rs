//! Every way a plugin fails, told from what wasmtime reports and from what the sandbox saw.

use sandgate_message::Failure;
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};

/// Bytes kept of what a guest says of its failure, its backtrace included.
const DETAIL: usize = 8 << 10;

/// Set by the sandbox before it stops a guest; goes before what the guest made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    Deadline,
    /// The bytes it may have.
    Memory(u64),
    Quota(&'static str),
    Malformed(String),
}

/// What a failed run comes to.
pub(crate) fn classify(
    error: &wasmtime::Error,
    breach: Option<Breach>,
    timeout: std::time::Duration,
    stderr: &[u8],
) -> Failure {
    match breach {
        Some(Breach::Deadline) => return Failure::Deadline(timeout),
        Some(Breach::Memory(bytes)) => return Failure::Memory(bytes),
        Some(Breach::Quota(what)) => return Failure::Quota(what),
        Some(Breach::Malformed(why)) => return Failure::Malformed(why),
        None => {}
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
    let mut detail = error
        .downcast_ref::<WasmBacktrace>()
        .map(|trace| format!("{trace}\n"))
        .unwrap_or_default();
    if !stderr.is_empty() {
        detail.push_str("stderr:\n");
        detail.push_str(&String::from_utf8_lossy(stderr));
    }
    Failure::Trap {
        reason,
        detail: cut(detail),
    }
}

/// No more of a guest's words than an operator would read, and a mark where there were more.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > DETAIL {
        text.truncate(text.floor_char_boundary(DETAIL));
        text.push_str("… (cut)");
    }
    text
}
