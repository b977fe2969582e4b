//! The settings.

use sandgate_sdk::{Issues, glob_matches};

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub(crate) hidden: Action,
    pub(crate) imitations: Action,
    pub(crate) variants: Action,
    pub(crate) poisoned: Action,
    pub(crate) threshold: f32,
    pub(crate) capabilities: Note,
    pub(crate) allow: Vec<String>,
}

/// What happens to a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Remove,
    Record,
    Pass,
}

/// Whether a finding is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Note {
    Record,
    Pass,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hidden: Action::Remove,
            imitations: Action::Remove,
            variants: Action::Record,
            poisoned: Action::Record,
            threshold: 0.7,
            capabilities: Note::Pass,
            allow: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings, if they can be applied. The error lists everything that is wrong.
    pub(crate) fn checked(self) -> Result<Self, Issues> {
        let mut issues = Issues::new();
        if !(0.3..=3.0).contains(&self.threshold) {
            issues.add("/threshold", "not between 0.3 and 3");
        }
        for (n, glob) in self.allow.iter().enumerate() {
            let is_whole = glob
                .split_once('/')
                .is_some_and(|(server, name)| !server.is_empty() && !name.is_empty());
            if !is_whole {
                issues.add(
                    format!("/allow/{n}"),
                    format!("{glob:?} is not SERVER/NAME; for all of a server: \"SERVER/*\""),
                );
            } else if glob.chars().all(|c| matches!(c, '*' | '?' | '/')) {
                issues.add(
                    format!("/allow/{n}"),
                    "would check nothing; remove the interceptor instead",
                );
            }
        }
        issues.or(self)
    }

    /// Whether the operator left this one out.
    pub(crate) fn allows(&self, server: &str, name: &str) -> bool {
        self.allow.iter().any(|glob| {
            glob.split_once('/')
                .is_some_and(|(of, names)| glob_matches(of, server) && glob_matches(names, name))
        })
    }
}
