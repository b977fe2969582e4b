//! `[[interceptors]]`: the pipeline, in the file's order.

use sandgate_message::{Direction, Hook};
use sandgate_pipeline::{Mode, RefusalStyle, Sees};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Period, Size};
use super::candidate::Candidate;
use super::grants::Grants;
use super::pattern::Pattern;
use super::settings::Settings;
use super::signed_by::SignedBy;
use crate::plugin_source::{Digest, PluginSource};

/// An entry of the pipeline: a plugin, its settings, what it may do and where it looks. The scope (`hooks` to `groups`)
/// narrows what the plugin asks for and never widens it; a key left out or empty narrows nothing.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interceptor {
    /// Its name in logs, refusals and its state. Unique.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// `builtin:NAME`, the path of a component file (`.wasm`), relative to this file, or `oci://REGISTRY/NAME:TAG`, which
    /// `sandgate lock` fetches.
    pub plugin: PluginSource,
    /// The only file it may be, as `sha256:` and 64 hexadecimal digits (`sandgate plugin inspect` prints it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// By whom a plugin of a registry (`oci://`) must be signed. The candidate's too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
    /// The hooks it runs at.
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// MCP methods, globs.
    #[serde(default)]
    pub events: Vec<Pattern>,
    /// Which way the request or notification goes.
    #[serde(default)]
    pub directions: Vec<Direction>,
    /// Servers by their names in this file, globs.
    #[serde(default)]
    pub servers: Vec<Pattern>,
    /// Tool or prompt names or resource URIs as the server has them, globs.
    #[serde(default)]
    pub targets: Vec<Pattern>,
    /// Callers, globs. An anonymous one fits none.
    #[serde(default)]
    pub principals: Vec<Pattern>,
    /// Groups of callers, globs; one of the caller's must fit.
    #[serde(default)]
    pub groups: Vec<Pattern>,
    /// `active`, or `audit`: it runs and is recorded, but changes and refuses nothing.
    #[serde(default)]
    pub mode: Mode,
    /// What happens to a call when the interceptor fails: `false` refuses it, `true` lets it pass.
    #[serde(default)]
    pub fail_open: bool,
    /// How long one hook may compute, and wait for what it asks for, together; at most `"1h"`. Left out: what the plugin
    /// states, else `"50ms"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Period>,
    /// Memory of one run. Left out: what the plugin states, else `"64MiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Runs that one caller may have at a time; further ones wait, and are refused where that lasts too long.
    #[serde(default = "max_concurrent")]
    #[schemars(range(min = 1, max = 1024))]
    pub max_concurrent: u32,
    /// What a validator of replies judges: `final` is what the client gets, `raw` the reply as it came, before any
    /// mutator.
    #[serde(default)]
    pub sees: Sees,
    /// Log what a failing plugin says of its failure (its error text, the end of its stderr). It may repeat the call's
    /// content.
    #[serde(default)]
    pub fault_detail: bool,
    /// How its refusals are answered. Left out: as `[gateway]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalStyle>,
    /// What the plugin's own settings schema allows (`sandgate plugin inspect` shows it). Any text in it may be
    /// `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    #[serde(default)]
    pub settings: Settings,
    /// What it may do beyond looking at calls.
    #[serde(default)]
    pub grants: Grants,
    /// What is tried on the same calls, beside it and without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
}

fn max_concurrent() -> u32 {
    16
}

impl Interceptor {
    /// The interceptor with its candidate in its place. `None` if it has no candidate.
    pub fn promoted(&self) -> Option<Self> {
        let candidate = self.candidate.clone()?;
        let mut promoted = self.clone();
        promoted.candidate = None;
        if let Some(plugin) = candidate.plugin {
            promoted.plugin = plugin;
            // The interceptor's own digest was the live file's.
            promoted.digest = candidate.digest;
        }
        if let Some(settings) = candidate.settings {
            promoted.settings = settings;
        }
        if let Some(grants) = candidate.grants {
            promoted.grants = grants;
        }
        Some(promoted)
    }
}
