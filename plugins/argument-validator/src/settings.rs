//! The settings.

use sandgate_sdk::{Issues, glob_matches};

use crate::role::Role;
use crate::strings::Place;

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    pub(crate) no_definition: Action,
    pub(crate) schema: Action,
    pub(crate) traversal: Action,
    pub(crate) injection: Action,
    roles: Vec<Assignment>,
}

/// What happens to a call when a check finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Refuse,
    Record,
    Pass,
}

/// An entry of `roles`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    #[serde(default = "every_tool")]
    tool: String,
    argument: String,
    role: Role,
}

fn every_tool() -> String {
    "*".into()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            no_definition: Action::Refuse,
            schema: Action::Refuse,
            traversal: Action::Refuse,
            injection: Action::Refuse,
            roles: Vec::new(),
        }
    }
}

impl Settings {
    /// Checks what the schema of the settings cannot express. The error lists everything that is wrong.
    pub(crate) fn checked(&self) -> Result<(), Issues> {
        let mut issues = Issues::new();
        for (index, assignment) in self.roles.iter().enumerate() {
            if assignment.tool != "*" && !assignment.tool.contains('/') {
                issues.add(
                    format!("/roles/{index}/tool"),
                    format!(
                        "{:?} is not \"SERVER/TOOL\" or \"*\"; for any server: \"*/{}\"",
                        assignment.tool, assignment.tool
                    ),
                );
            }
            if assignment.argument.is_empty() {
                issues.add(
                    format!("/roles/{index}/argument"),
                    "empty: give a member's name or a JSON Pointer",
                );
            }
        }
        issues.or(())
    }

    /// The role that the operator has set for the argument. `target` returns `SERVER/TOOL`.
    pub(crate) fn role<'t>(&self, target: impl Fn() -> &'t str, place: &Place) -> Option<Role> {
        let fits = |assignment: &&Assignment| {
            let argument = assignment.argument.as_str();
            (argument == place.pointer || argument == place.name)
                && glob_matches(&assignment.tool, target())
        };
        self.roles
            .iter()
            .find(fits)
            .map(|assignment| assignment.role)
    }
}
