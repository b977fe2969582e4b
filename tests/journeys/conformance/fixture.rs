//! The server that the suite judges.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use harness::{Process, peers};

const START: Duration = Duration::from_secs(60);

/// `tests/peers/servers/conformance.py`, serving Streamable HTTP on loopback. Killed on drop.
pub(crate) struct Fixture {
    /// Its endpoint.
    pub(crate) url: String,
    _process: Process,
}

impl Fixture {
    /// Starts it and waits for it.
    ///
    /// # Panics
    /// Where it does not come up.
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/servers/conformance.py");
        let process = Process::start(Command::new(peers().join("modern/bin/python")).arg(script));
        let Some(line) = process.output_line(0, START) else {
            panic!("the server did not come up:\n{}", process.log());
        };
        Self {
            url: String::from_utf8(line).unwrap(),
            _process: process,
        }
    }
}
