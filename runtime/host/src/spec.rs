//! What an operator wants of one plugin, and why the plugin cannot be used that way.

use std::sync::Arc;

use sandgate_message::{Failure, Hook, Limits};
use serde_json::Value;

use crate::engine::MAX_MEMORY;
use crate::file::PluginFile;
use crate::grants::{GrantError, Grants};
use crate::schema::Issue;

/// Runs of one interceptor that one caller may have at once, unless [`Spec::concurrency`] says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 16;

/// What an operator wants of one plugin.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The interceptor's name. State and log lines belong to this name.
    pub interceptor: Arc<str>,
    /// The plugin's file.
    pub file: Arc<PluginFile>,
    /// The plugin's settings, with secrets resolved.
    pub settings: Value,
    /// Some settings came from the environment or a file. Nothing derived from the settings is then kept on disk or
    /// shown.
    pub settings_private: bool,
    /// The capabilities that the operator grants.
    pub grants: Grants,
    /// Bytes of linear memory. `None`: the manifest's limit, or [`DEFAULT_MEMORY`](crate::DEFAULT_MEMORY) without one.
    pub memory: Option<u64>,
    /// Runs that one caller may have at once. `None`: [`DEFAULT_CONCURRENCY`].
    pub concurrency: Option<usize>,
    /// Bounds of the documents that the plugin returns.
    pub document: Limits,
    /// Whether the log shows what a failing guest says of its failure, which may repeat the payload.
    pub fault_detail: bool,
}

/// Why a plugin cannot be used as its [`Spec`] says.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The plugin's schema or its `configure` does not accept the settings.
    #[error("its settings are not accepted")]
    Settings(Vec<Issue>),
    /// The manifest's settings schema is no JSON Schema, or uses a part of JSON Schema that is refused.
    #[error("the settings schema in its manifest cannot be used: {0}")]
    Schema(String),
    /// The operator grants what the plugin does not ask for.
    #[error("{}", lines(.0))]
    Grants(Vec<GrantError>),
    /// The memory limit is larger than [`MAX_MEMORY`].
    #[error("memory: at most {MAX_MEMORY} bytes")]
    Memory,
    /// The component imports what this host does not have.
    #[error("it needs something that this gateway does not have: {0}")]
    Link(String),
    /// The component cannot be compiled.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// `configure` failed.
    #[error("its configure failed: it {0}")]
    Configure(Failure),
    /// A first run of a hook, with an empty document, failed.
    #[error("a smoke call of its {hook} failed: it {failure}", hook = .hook.as_str())]
    Smoke {
        /// The hook.
        hook: Hook,
        /// How the run failed.
        failure: Failure,
    },
}

fn lines(errors: &[GrantError]) -> String {
    let lines: Vec<_> = errors.iter().map(GrantError::to_string).collect();
    lines.join("\n")
}
