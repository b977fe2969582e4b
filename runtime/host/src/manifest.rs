//! The manifest of a plugin, in a custom section of its component. It can be read without running code of the plugin.

use std::collections::BTreeMap;
use std::time::Duration;

use sandgate_message::{Hook, Role};
use serde::Deserialize;
use serde_json::Value;
use wasmparser::{Parser, Payload};

use crate::contains;

/// The name of the top-level custom section that holds the manifest as JSON.
pub const SECTION: &str = "sandgate:manifest";

/// The manifest of a plugin: its `plugin.toml`, as JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The plugin's name. It matches `[a-z0-9-]+`.
    pub name: String,
    /// The plugin's semantic version.
    pub version: String,
    /// What the plugin does, in one sentence. Default: empty.
    #[serde(default)]
    pub description: String,
    /// The licence as an SPDX expression. Default: empty.
    #[serde(default)]
    pub licence: String,
    /// The hooks of the plugin.
    pub hooks: Hooks,
    /// The capabilities that the plugin asks for. Default: none.
    #[serde(default)]
    pub asks: Asks,
    /// The author's limits. The operator's limits take precedence.
    #[serde(default)]
    pub limits: Limits,
    /// The JSON Schema of the settings. Default: an object without members.
    #[serde(default = "no_settings")]
    pub settings: Value,
}

/// The hooks of a plugin. At least one is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hooks {
    /// The hook that runs before a request or notification is passed on.
    pub pre_call: Option<HookManifest>,
    /// The hook that runs on the reply.
    pub post_call: Option<HookManifest>,
}

/// What the manifest says of one hook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookManifest {
    /// What the hook is for.
    #[serde(rename = "type")]
    pub role: Role,
    /// Globs of the MCP methods that the hook runs for. At least one.
    pub events: Vec<String>,
    /// By MCP method, texts of which a message must contain one: the hook is not run for the others, and lets them pass.
    /// A method that is not here has no such condition.
    #[serde(default)]
    pub contains: BTreeMap<String, Vec<String>>,
}

/// The capabilities that a plugin asks for. Each has a text for the operator that says why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// State that lasts between calls; the text says why.
    pub state: Option<String>,
    /// Outgoing HTTP.
    pub http: Option<HttpAsk>,
    /// Directories, by their path as the plugin sees it.
    #[serde(default)]
    pub dirs: BTreeMap<String, DirAsk>,
    /// Environment variables by name; the text says why.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// A request for outgoing HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// Host names. `*` stands for all hosts that the operator grants.
    pub hosts: Vec<String>,
    /// Why the plugin asks for it. Default: empty.
    #[serde(default)]
    pub why: String,
}

/// A request for a directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirAsk {
    /// How the plugin uses the directory.
    pub access: Access,
    /// Why the plugin asks for it. Default: empty.
    #[serde(default)]
    pub why: String,
}

/// Access to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read only.
    Ro,
    /// Read and write.
    Rw,
}

/// The limits that the author sets for a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Linear memory in KiB, MiB or GiB, for example `16MiB`.
    pub memory: Option<String>,
    /// Time of one run in us, ms or s, for example `50ms`.
    pub timeout: Option<String>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The component has no manifest section.
    #[error("it has no `{SECTION}` section: build it with its plugin.toml embedded")]
    Missing,
    /// The component has two manifest sections, so it is not clear which one applies.
    #[error("it has two `{SECTION}` sections")]
    Twice,
    /// The section does not hold the JSON of a manifest.
    #[error("its manifest does not read: {0}")]
    Json(#[from] serde_json::Error),
    /// A value is not allowed.
    #[error("its manifest's `{key}`: {why}")]
    Value {
        /// The key of the value in `plugin.toml`.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl Manifest {
    /// Reads the manifest section of a component and checks its values.
    ///
    /// # Errors
    /// There is not exactly one manifest section, or it does not hold a valid manifest.
    pub fn read(component: &[u8]) -> Result<Self, ManifestError> {
        let mut found = None;
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            // A component that does not parse is reported when it is compiled. Here it only ends the search.
            let Ok(payload) = payload else { break };
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section)
                    if depth == 0
                        && section.name() == SECTION
                        && found.replace(section.data()).is_some() =>
                {
                    return Err(ManifestError::Twice);
                }
                _ => {}
            }
        }
        let manifest: Self = serde_json::from_slice(found.ok_or(ManifestError::Missing)?)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The hooks, each with its role and its event globs.
    pub fn hooks(&self) -> Vec<(Hook, Role, Vec<String>)> {
        let of =
            |hook, m: &Option<HookManifest>| m.as_ref().map(|m| (hook, m.role, m.events.clone()));
        [
            of(Hook::PreCall, &self.hooks.pre_call),
            of(Hook::PostCall, &self.hooks.post_call),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The author's memory limit in bytes. `None`: the author sets none.
    pub fn memory(&self) -> Option<u64> {
        self.limits.memory.as_deref().and_then(bytes)
    }

    /// The author's timeout of one run. `None`: the author sets none.
    pub fn timeout(&self) -> Option<Duration> {
        self.limits.timeout.as_deref().and_then(duration)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let value = |key, why: &str| {
            Err(ManifestError::Value {
                key,
                why: why.into(),
            })
        };
        let name_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(name_ok) {
            return value("name", "lower-case letters, digits and hyphens only");
        }
        if self.hooks.pre_call.is_none() && self.hooks.post_call.is_none() {
            return value("hooks", "name `pre-call`, `post-call` or both");
        }
        if self.hooks().iter().any(|(.., events)| events.is_empty()) {
            return value(
                "events",
                "list at least one MCP method, for example \"tools/call\"",
            );
        }
        let hooks = [&self.hooks.pre_call, &self.hooks.post_call];
        for hook in hooks.into_iter().flatten() {
            if let Some(why) = contains::check(&hook.contains, &hook.events) {
                return value("contains", &why);
            }
        }
        if self.limits.memory.is_some() && self.memory().is_none() {
            return value("limits.memory", "a size, for example \"16MiB\"");
        }
        if self.limits.timeout.is_some() && self.timeout().is_none() {
            return value("limits.timeout", "a duration, for example \"50ms\"");
        }
        if !self.asks.dirs.keys().all(|path| path.starts_with('/')) {
            return value("asks.dirs", "paths as the plugin sees them, from /");
        }
        Ok(())
    }
}

fn no_settings() -> Value {
    serde_json::json!({ "type": "object", "additionalProperties": false })
}

fn split(text: &str) -> Option<(u64, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..at].parse().ok()?, text[at..].trim()))
}

fn bytes(text: &str) -> Option<u64> {
    let (n, unit) = split(text)?;
    let unit = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    n.checked_mul(unit)
}

fn duration(text: &str) -> Option<Duration> {
    let (n, unit) = split(text)?;
    match unit {
        "us" | "µs" => Some(Duration::from_micros(n)),
        "ms" => Some(Duration::from_millis(n)),
        "s" => Some(Duration::from_secs(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn component(sections: &[&str]) -> Vec<u8> {
        // An empty component: magic, version 0x0d, layer 1.
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for data in sections {
            let mut body = vec![u8::try_from(SECTION.len()).unwrap()];
            body.extend_from_slice(SECTION.as_bytes());
            body.extend_from_slice(data.as_bytes());
            bytes.push(0);
            let mut n = body.len();
            loop {
                let low = u8::try_from(n & 0x7f).unwrap();
                n >>= 7;
                bytes.push(if n > 0 { low | 0x80 } else { low });
                if n == 0 {
                    break;
                }
            }
            bytes.extend_from_slice(&body);
        }
        bytes
    }

    const GOOD: &str = r#"{"name":"scrub","version":"0.1.0","hooks":{"post-call":{"type":"mutation","events":["tools/call"]}},
        "limits":{"memory":"16MiB","timeout":"50ms"},"asks":{"http":{"hosts":["*"]}}}"#;

    #[test]
    fn a_manifest_is_read_from_its_section() {
        let manifest = Manifest::read(&component(&[GOOD])).unwrap();
        assert_eq!(
            manifest.hooks(),
            [(
                Hook::PostCall,
                Role::Mutation,
                vec!["tools/call".to_owned()]
            )]
        );
        assert_eq!(manifest.memory(), Some(16 << 20));
        assert_eq!(manifest.timeout(), Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_missing_or_doubled_manifest_is_an_error() {
        assert!(matches!(
            Manifest::read(&component(&[])),
            Err(ManifestError::Missing)
        ));
        assert!(matches!(
            Manifest::read(&component(&[GOOD, GOOD])),
            Err(ManifestError::Twice)
        ));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (manifest, says) in [
            (
                r#"{"name":"A","version":"1","hooks":{"pre-call":{"type":"mutation","events":["*"]}}}"#,
                "`name`",
            ),
            (
                r#"{"name":"a","version":"1","hooks":{}}"#,
                "`pre-call`, `post-call` or both",
            ),
            (
                r#"{"name":"a","version":"1","hooks":{"pre-call":{"type":"mutation","events":[]}}}"#,
                "at least one",
            ),
            (
                r#"{"name":"a","version":"1","hooks":{"mid-call":{"type":"mutation","events":[]}}}"#,
                "mid-call",
            ),
            (
                r#"{"name":"a","version":"1","hooks":{"pre-call":{"type":"filter","events":[]}}}"#,
                "filter",
            ),
        ] {
            let error = Manifest::read(&component(&[manifest]))
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
