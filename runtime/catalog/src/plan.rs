//! From an entry to a server of the configuration: contained, pinned, told no more than it needs. What a person must still
//! say stands in it as `<fill in: …>`, which nothing starts with.

use std::collections::BTreeMap;
use std::path::Path;

use sandgate_config::{Config, Loaded};

use crate::entry::{Entry, Refusal};

/// What is to be added, and what the operator said of it.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The server's name.
    pub server: &'a str,
    /// The catalog's name.
    pub catalog: &'a str,
    /// The entry.
    pub entry: &'a Entry,
    /// Values of its inputs and variables, by name.
    pub values: &'a BTreeMap<String, String>,
}

/// A server to be added.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its tables, in TOML.
    pub table: String,
    /// What runs.
    pub runs: String,
    /// The hosts that it may reach.
    pub reaches: Vec<String>,
    /// The secrets to be set, by their names in the encrypted file.
    pub secrets: Vec<String>,
    /// The variables of the gateway's environment that must be set.
    pub variables: Vec<String>,
    /// What is to be filled in, and what it is.
    pub left: Vec<(String, String)>,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// Whether it must be locked.
    pub is_locked: bool,
}

/// Why nothing can be added.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PlanError {
    #[error("{0} cannot be added:\n{1}")]
    Refused(String, String),
    #[error("{0}")]
    Value(Refusal),
    #[error("there is a server {0} already; name another with --as")]
    Taken(String),
    #[error("{0} cannot be written into this configuration: {1}")]
    Unusable(String, String),
}

impl Plan {
    /// The configuration's text with the server behind it.
    ///
    /// # Errors
    ///
    /// The name is taken, or the whole would be no configuration.
    pub fn written(&self, loaded: &Loaded, server: &str) -> Result<String, PlanError> {
        if loaded.config.servers.contains_key(server) {
            return Err(PlanError::Taken(server.to_owned()));
        }
        let before = loaded.source.text();
        let end = if before.ends_with('\n') || before.is_empty() {
            ""
        } else {
            "\n"
        };
        let text = format!("{before}{end}\n{}", self.table);
        let unusable = |why: String| PlanError::Unusable(server.to_owned(), why);
        let after = Loaded::parse(Path::new("sandgate.toml"), text.clone()).map_err(|report| {
            unusable(
                report
                    .issues
                    .first()
                    .map_or_else(String::new, |issue| issue.message.clone()),
            )
        })?;
        // All else is as it was.
        let mut rest = after.config;
        let is_there = rest.servers.remove(server).is_some();
        let same = || Some(json(&rest)? == json(&loaded.config)?);
        match is_there && same() == Some(true) {
            true => Ok(text),
            false => Err(unusable(
                "it would add something else than one server".into(),
            )),
        }
    }
}

/// A configuration as a value, to be compared.
fn json(config: &Config) -> Option<serde_json::Value> {
    serde_json::to_value(config).ok()
}
