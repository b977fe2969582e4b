//! `sandgate completions SHELL`: prints a completion script.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::terminal::print;

/// `sandgate completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script that completes the words of `command`.
pub fn carry_out(asked: Completions, command: Command) -> ExitCode {
    print(&String::from_utf8_lossy(&script(asked.shell, command)));
    ExitCode::SUCCESS
}

/// The script that the shell loads.
fn script(shell: Shell, mut command: Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "sandgate", &mut script);
    script
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{CommandFactory, ValueEnum};

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn every_shell_is_told_of_every_verb() {
        for &shell in Shell::value_variants() {
            let script = String::from_utf8(script(shell, Arguments::command())).unwrap();
            for verb in Arguments::command().get_subcommands() {
                assert!(
                    script.contains(verb.get_name()),
                    "{} in {shell}",
                    verb.get_name()
                );
            }
        }
    }
}
