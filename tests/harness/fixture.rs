//! Servers of our own on real libraries.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Process, peers};

const START: Duration = Duration::from_secs(60);

/// A script of `tests/peers/servers`, serving Streamable HTTP on loopback in both eras. Killed on drop.
pub struct Fixture {
    /// Its endpoint.
    pub url: String,
    _process: Process,
}

impl Fixture {
    /// On PyPI `mcp`: everything that the conformance suite asks of a server.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn conformance() -> Self {
        Self::start(&Self::command("conformance.py", &[]))
    }

    /// On PyPI `fastmcp`: tools that ask the client.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn questions() -> Self {
        Self::start(&Self::command("questions.py", &["http"]))
    }

    /// The command line of a script.
    pub fn command(script: &str, args: &[&str]) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("peers/servers")
            .join(script);
        let line = [peers().join("modern/bin/python"), script];
        let line = line.map(|path| path.display().to_string());
        let args = args.iter().map(|&arg| arg.to_owned());
        line.into_iter().chain(args).collect()
    }

    fn start(line: &[String]) -> Self {
        let process = Process::start(Command::new(&line[0]).args(&line[1..]));
        let Some(url) = process.output_line(0, START) else {
            panic!("{line:?} did not come up:\n{}", process.log());
        };
        Self {
            url: String::from_utf8(url).unwrap(),
            _process: process,
        }
    }
}
