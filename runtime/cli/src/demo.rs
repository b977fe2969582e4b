//! `sandgate demo`: real calls that pass real policies.

use std::process::ExitCode;

use sandgate_demo::run;

use crate::args;
use crate::exit::{fail, runtime};

/// Shows it.
pub fn carry_out(asked: args::Demo) -> ExitCode {
    let shown = runtime(None).and_then(|runtime| {
        let shown = runtime.block_on(run(asked.serve));
        runtime.shutdown_background();
        shown.map_err(std::io::Error::other)
    });
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}
