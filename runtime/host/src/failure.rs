//! Every way a plugin fails, told from what wasmtime reports and from what the sandbox saw.

use sandgate_message::Failure;
use wasmtime::{Trap, WasmBacktrace};

/// Bytes of backtrace kept: a deep recursion has thousands of frames.
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
    let reason = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "unreachable (a panic or an abort)".into(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let mut detail = error
        .downcast_ref::<WasmBacktrace>()
        .map(backtrace)
        .unwrap_or_default();
    if !stderr.is_empty() {
        detail.push_str("stderr:\n");
        detail.push_str(&String::from_utf8_lossy(stderr));
    }
    if detail.len() > DETAIL {
        detail.truncate(detail.floor_char_boundary(DETAIL));
        detail.push_str("… (cut)");
    }
    Failure::Trap { reason, detail }
}

fn backtrace(trace: &WasmBacktrace) -> String {
    let mut out = String::new();
    for (n, frame) in trace.frames().iter().take(32).enumerate() {
        out.push_str(&format!(
            "{n:>3}: {}",
            frame.func_name().unwrap_or("<unknown>")
        ));
        if let Some(symbol) = frame
            .symbols()
            .iter()
            .find(|symbol| symbol.file().is_some())
        {
            let (file, line) = (
                symbol.file().unwrap_or_default(),
                symbol.line().unwrap_or_default(),
            );
            out.push_str(&format!(" at {file}:{line}"));
        }
        out.push('\n');
    }
    out
}
