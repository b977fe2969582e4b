//! What the operator may set.

use sandgate_sdk::{Issues, glob_matches};

use crate::role::Role;
use crate::strings::Place;

/// As `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    pub(crate) no_definition: Action,
    pub(crate) schema: Action,
    pub(crate) traversal: Action,
    pub(crate) injection: Action,
    roles: Vec<Assignment>,
}

/// What follows from something that is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Refuse,
    Record,
    Pass,
}

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
    /// Everything that is wrong with them.
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

    /// What the operator says the value at that place is for. `target` is SERVER/TOOL.
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
