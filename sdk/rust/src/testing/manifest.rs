//! What `plugin.toml` says of the plugin that is tested. Cargo runs tests with the package's folder in a variable.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::glob::glob_matches;

/// What a hook may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Proceed or refuse.
    Validation,
    /// Change the document, too.
    Mutation,
}

/// The manifest's part that a run needs.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    hooks: toml::Table,
    asks: BTreeSet<String>,
}

/// A hook as the manifest has it.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) role: Role,
    events: Vec<String>,
}

impl Manifest {
    /// The manifest of the package that is tested; none where there is no `plugin.toml`, as in a test of a library.
    pub(crate) fn found() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
        let path = folder.join("plugin.toml");
        let text = std::fs::read_to_string(&path).ok()?;
        Some(Self::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut manifest: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        let mut table = |name: &str| match manifest.remove(name) {
            Some(toml::Value::Table(table)) => table,
            _ => toml::Table::new(),
        };
        Ok(Self {
            hooks: table("hooks"),
            asks: table("asks").into_iter().map(|(name, _)| name).collect(),
        })
    }

    pub(crate) fn asks_for(&self, what: &str) -> bool {
        self.asks.contains(what)
    }

    /// # Panics
    /// The manifest does not have this hook, which the gateway then never calls.
    pub(crate) fn hook(&self, name: &str) -> Hook {
        let Some(toml::Value::Table(hook)) = self.hooks.get(name) else {
            panic!("plugin.toml has no [hooks.{name}]: the gateway never calls this hook")
        };
        let role = match hook.get("type").and_then(toml::Value::as_str) {
            Some("validation") => Role::Validation,
            Some("mutation") => Role::Mutation,
            _ => panic!("plugin.toml: [hooks.{name}] `type` is \"validation\" or \"mutation\""),
        };
        let events = hook.get("events").and_then(toml::Value::as_array);
        let events = events.into_iter().flatten();
        Hook {
            role,
            events: events
                .filter_map(|event| event.as_str().map(Into::into))
                .collect(),
        }
    }
}

impl Hook {
    pub(crate) fn sees(&self, method: &str) -> bool {
        self.events.iter().any(|event| glob_matches(event, method))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_manifest_says_what_a_hook_may_do_and_sees_and_what_is_asked_for() {
        let manifest = Manifest::parse(
            "name = \"a\"\n[hooks]\npre-call = { type = \"validation\", events = [\"tools/*\"] }\n[asks]\nstate = \"why\"\n",
        )
        .unwrap();
        let hook = manifest.hook("pre-call");
        assert_eq!(hook.role, Role::Validation);
        assert!(hook.sees("tools/call") && !hook.sees("prompts/get"));
        assert!(manifest.asks_for("state") && !manifest.asks_for("http"));
        let none = std::panic::catch_unwind(|| manifest.hook("post-call"));
        assert!(none.is_err());
    }
}
