//! Why a lock was not written or a package not installed, and what registries say, for people.

use std::process::ExitCode;

use sandgate_config::{Issue, Report};
use sandgate_supply::LockError;
use sandgate_text::escape::event;
use sandgate_text::printable;

use crate::exit::{complain, refuse};

/// Why a lock was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupplyError {
    /// The configuration is wrong.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// The lock cannot be used.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// What is said to people.
    #[error("{0}")]
    Other(String),
}

impl SupplyError {
    /// Reports it. Nothing was started.
    pub(crate) fn exit(&self) -> ExitCode {
        match self {
            Self::Config(report) => refuse(report),
            _ => {
                // Words of registries and engines are among it.
                complain(&event(&self.to_string(), false));
                ExitCode::from(2)
            }
        }
    }
}

/// An issue, for people who are not at the configuration.
pub(crate) fn said(issue: Issue) -> SupplyError {
    let help = issue.help.map(|help| format!("; {help}"));
    SupplyError::Other(format!("{}{}", issue.message, help.unwrap_or_default()))
}

/// Lines of differences, for people. A registry's, a package's or a plugin's own words in them begin no line and steer no
/// terminal, or they could hide what is approved.
pub(crate) fn shown(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_neither_begins_a_line_nor_steers_a_terminal() {
        let lines = [
            "+ asks for http a.example\n+ asks for nothing".to_owned(),
            "+ asks for \u{1b}[2K\u{202e}\r".into(),
        ];
        let text = shown(&lines);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text:?}");
    }
}
