//! What a verb prints. Rust's own macros panic where stdout cannot be written; here that ends in an exit code.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints lines to stdout, the last line's end included, without colours where it shows none. A reader that has gone (`| head`) wanted no more; any other
/// failure is told on stderr once and makes [`failed`] true.
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

/// Whether something that was printed is lost.
pub fn failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}
