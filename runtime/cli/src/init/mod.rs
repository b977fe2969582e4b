//! `sandgate init`: writes a configuration to begin with, in which every builtin policy has its place.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::exit::complain;
use crate::reached::Configured;
use crate::terminal::print;

/// All profiles in one text. A line that begins with `@` is there in the profiles that it names.
const TEMPLATE: &str = include_str!("sandgate.toml");

/// `sandgate init`.
#[derive(Clone, Debug, Args)]
pub struct Init {
    /// The file to write. A file that is there stays as it is.
    #[command(flatten)]
    pub configured: Configured,
    /// How strict the policies are
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t)]
    pub profile: Profile,
}

/// How strict the policies of a new configuration are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// What is probably an attack is refused
    Strict,
    /// What is certainly wrong is refused or masked; what is probably an attack is recorded
    #[default]
    Balanced,
    /// Everything is recorded, nothing is changed or refused
    Observe,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Balanced => "balanced",
            Self::Observe => "observe",
        }
    }

    /// The configuration.
    pub fn configuration(self) -> String {
        let mut text = String::new();
        for line in TEMPLATE.lines() {
            let line = match line.strip_prefix('@') {
                None => line,
                Some(marked) => match marked.split_once(' ') {
                    Some((profiles, line)) if profiles.split(',').any(|one| one == self.name()) => {
                        line
                    }
                    _ => continue,
                },
            };
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// Writes the configuration.
pub fn carry_out(asked: &Init) -> ExitCode {
    let path = &asked.configured.config;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(asked.profile.configuration().as_bytes()));
    match written {
        Ok(()) => {
            print(&format!(
                "{} is there, with the profile {}. Next: name your servers in it, or have `sandgate import` do that; then \
                 `sandgate check` and `sandgate run`.",
                path.display(),
                asked.profile.name()
            ));
            ExitCode::SUCCESS
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            complain(&format!(
                "{} is there already and stays as it is; name another file with --config",
                path.display()
            ));
            ExitCode::from(2)
        }
        Err(error) => {
            complain(&format!("{}: {error}", path.display()));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_its_lines_and_no_marks() {
        for profile in [Profile::Strict, Profile::Balanced, Profile::Observe] {
            let text = profile.configuration();
            assert!(!text.contains("\n@"), "{text}");
            assert!(
                text.contains(&format!("profile: {}", profile.name())),
                "{text}"
            );
        }
        let observe = Profile::Observe.configuration();
        let interceptors = observe.matches("\n[[interceptors]]").count();
        assert_eq!(observe.matches("\nmode = \"audit\"").count(), interceptors);
        assert!(!Profile::Strict.configuration().contains("audit"));
    }
}
