//! `sandgate completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;

/// The script that the shell loads.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sandgate", &mut script);
    script
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_is_told_of_every_verb() {
        for &shell in Shell::value_variants() {
            let script = String::from_utf8(script(shell)).unwrap();
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
