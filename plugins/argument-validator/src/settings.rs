//! The settings.

use sandgate_sdk::{Issues, glob_matches};

use crate::checks::Class;
use crate::role::Role;
use crate::strings::Place;

/// The settings, as `plugin.toml` describes them.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    pub(crate) no_definition: Action,
    pub(crate) schema: Action,
    pub(crate) coerce: bool,
    traversal: Action,
    system_files: Action,
    injection: Action,
    sql: Action,
    nosql: Action,
    xml: Action,
    html: Action,
    template: Action,
    header: Action,
    target: Action,
    private_urls: Action,
    ldap: Action,
    roles: Vec<Assignment>,
    allow: Vec<Exception>,
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
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    #[serde(default = "every_tool")]
    tool: String,
    argument: String,
    role: Role,
}

/// An entry of `allow`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(default = "every_tool")]
    tool: String,
    argument: String,
    /// All classes where it is missing.
    checks: Option<Vec<Class>>,
}

fn every_tool() -> String {
    "*".into()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            no_definition: Action::Refuse,
            schema: Action::Refuse,
            coerce: true,
            traversal: Action::Refuse,
            // Whoever looks after a server reads its logs.
            system_files: Action::Record,
            injection: Action::Refuse,
            sql: Action::Refuse,
            nosql: Action::Refuse,
            xml: Action::Refuse,
            html: Action::Refuse,
            template: Action::Refuse,
            header: Action::Refuse,
            target: Action::Refuse,
            // Many tools are there to ask a server on this machine.
            private_urls: Action::Record,
            ldap: Action::Refuse,
            roles: Vec::new(),
            allow: Vec::new(),
        }
    }
}

impl Settings {
    /// Checks what the schema of the settings cannot express. The error lists everything that is wrong.
    pub(crate) fn checked(&self) -> Result<(), Issues> {
        let mut issues = Issues::new();
        let roles = self.roles.iter().map(|it| (&it.tool, &it.argument));
        let allow = self.allow.iter().map(|it| (&it.tool, &it.argument));
        for (index, (tool, argument)) in roles.enumerate() {
            name_what_is_wrong(&mut issues, &format!("/roles/{index}"), tool, argument);
        }
        for (index, (tool, argument)) in allow.enumerate() {
            name_what_is_wrong(&mut issues, &format!("/allow/{index}"), tool, argument);
        }
        for (index, exception) in self.allow.iter().enumerate() {
            if exception.checks.as_ref().is_some_and(Vec::is_empty) {
                issues.add(
                    format!("/allow/{index}/checks"),
                    "empty: the entry allows nothing; leave `checks` out for all of them",
                );
            }
        }
        issues.or(())
    }

    /// What happens when a check of the class finds something.
    pub(crate) fn action(&self, class: Class) -> Action {
        match class {
            Class::Traversal => self.traversal,
            Class::SystemFiles => self.system_files,
            Class::Injection => self.injection,
            Class::Sql => self.sql,
            Class::Nosql => self.nosql,
            Class::Xml => self.xml,
            Class::Html => self.html,
            Class::Template => self.template,
            Class::Header => self.header,
            Class::Target => self.target,
            Class::PrivateUrls => self.private_urls,
            Class::Ldap => self.ldap,
        }
    }

    /// The role that the operator has set for the argument. `target` returns `SERVER/TOOL`.
    pub(crate) fn role<'t>(&self, target: impl Fn() -> &'t str, place: &Place) -> Option<Role> {
        self.roles
            .iter()
            .find(|it| place.is(&it.argument) && glob_matches(&it.tool, target()))
            .map(|it| it.role)
    }

    /// Whether the operator has allowed the argument what a check of the class finds.
    pub(crate) fn allows<'t>(
        &self,
        class: Class,
        target: impl Fn() -> &'t str,
        place: &Place,
    ) -> bool {
        self.allow.iter().any(|it| {
            let is_of_class = it
                .checks
                .as_ref()
                .is_none_or(|checks| checks.contains(&class));
            is_of_class && place.is(&it.argument) && glob_matches(&it.tool, target())
        })
    }
}

fn name_what_is_wrong(issues: &mut Issues, entry: &str, tool: &str, argument: &str) {
    if tool != "*" && !tool.contains('/') {
        issues.add(
            format!("{entry}/tool"),
            format!("{tool:?} is not \"SERVER/TOOL\" or \"*\"; for any server: \"*/{tool}\""),
        );
    }
    if argument.is_empty() {
        issues.add(
            format!("{entry}/argument"),
            "empty: give a member's name or a JSON Pointer",
        );
    }
}
