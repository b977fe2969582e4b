//! What the helper tells the gateway.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::handed;
use crate::report::Report;

/// Sends a report, with a listener where there is one.
pub(super) fn tell(control: &UnixStream, report: &Report, listener: Option<&OwnedFd>) {
    if let Ok(line) = serde_json::to_string(report) {
        // The gateway may be gone.
        let _ = handed::send(control, format!("{line}\n").as_bytes(), listener);
    }
}
