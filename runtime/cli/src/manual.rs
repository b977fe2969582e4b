//! `sandgate manual DIR`: writes the manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use sandgate_telemetry::logging;
use tracing::Level;

/// `sandgate manual`.
#[derive(Clone, Debug, Args)]
pub struct Manual {
    /// The directory, which must exist: `sandgate.1` and a page for each command are written there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Writes the pages of `command`.
pub fn carry_out(asked: &Manual, command: Command) -> ExitCode {
    match clap_mangen::generate_to(command, &asked.directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::say(
                Level::ERROR,
                &format!("{}: {error}", asked.directory.display()),
            );
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().to_owned();
        assert_eq!(
            carry_out(&Manual { directory }, Arguments::command()),
            ExitCode::SUCCESS
        );
        for verb in Arguments::command().get_subcommands() {
            let page = folder
                .path()
                .join(format!("sandgate-{}.1", verb.get_name()));
            assert!(page.exists(), "{}", page.display());
        }
    }
}
