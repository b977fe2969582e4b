//! `sandgate demo`: shows real calls that pass real policies.

use std::process::ExitCode;

use clap::Args;
use sandgate_demo::{run, serve_stdio};

use crate::exit::{fail, runtime};

/// `sandgate demo`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Demo {
    /// Keep the gateway up afterwards, and print how to connect a client
    #[arg(long)]
    pub serve: bool,
    /// Be the demo's server instead, for one client on stdin and stdout
    #[arg(long, conflicts_with = "serve")]
    pub stdio: bool,
}

/// Runs the demo.
pub fn carry_out(asked: Demo) -> ExitCode {
    let shown = runtime(None).and_then(|runtime| {
        let shown = match asked.stdio {
            true => runtime.block_on(serve_stdio()),
            false => runtime.block_on(run(asked.serve)),
        };
        runtime.shutdown_background();
        shown.map_err(std::io::Error::other)
    });
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}
