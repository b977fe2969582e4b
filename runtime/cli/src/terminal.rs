//! Prints what a verb outputs. Rust's own macros panic if stdout cannot be written; here that ends in an exit code.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints text to stdout with a line end, without colours if stdout shows none. A closed pipe (`| head`) is not a
/// failure. Any other failure is reported on stderr once, and makes [`failed`] true.
pub fn print(text: &str) {
    let mut stdout = anstream::AutoStream::auto(io::stdout());
    let end = match text {
        "" => "",
        text if text.ends_with('\n') => "",
        _ => "\n",
    };
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            if !FAILED.swap(true, Ordering::Relaxed) {
                sandgate_telemetry::logging::say(
                    tracing::Level::ERROR,
                    &format!("stdout cannot be written: {error}"),
                );
            }
        }
    }
}

/// Whether any output was lost.
pub fn failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}
