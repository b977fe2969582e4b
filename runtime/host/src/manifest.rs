//! What a plugin says of itself, in a custom section: nobody runs code to learn what it wants.

use std::collections::BTreeMap;
use std::time::Duration;

use sandgate_message::{Hook, Role};
use serde::Deserialize;
use serde_json::Value;
use wasmparser::{Parser, Payload};

/// The name of the top-level custom section that holds the manifest as JSON.
pub const SECTION: &str = "sandgate:manifest";

/// `plugin.toml`, as it travels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The plugin's name: `[a-z0-9-]+`.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// SPDX expression.
    #[serde(default)]
    pub licence: String,
    /// The hooks it has.
    pub hooks: Hooks,
    /// What it asks for, and why.
    #[serde(default)]
    pub asks: Asks,
    /// Its author's limits; the operator's go before them.
    #[serde(default)]
    pub limits: Limits,
    /// JSON Schema of its settings.
    #[serde(default = "no_settings")]
    pub settings: Value,
}

/// The hooks a plugin has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hooks {
    /// Before a request or notification goes on.
    pub pre_call: Option<HookManifest>,
    /// On the reply.
    pub post_call: Option<HookManifest>,
}

/// One hook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookManifest {
    /// What it is for.
    #[serde(rename = "type")]
    pub role: Role,
    /// MCP methods it wants to see; globs.
    pub events: Vec<String>,
}

/// What a plugin asks for. Each says why, for the operator's eyes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Memory between calls.
    pub state: Option<String>,
    /// Outgoing HTTP.
    pub http: Option<HttpAsk>,
    /// Directories, by the path the plugin knows them under.
    #[serde(default)]
    pub dirs: BTreeMap<String, DirAsk>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// Which hosts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// Host names; `*` stands for whatever the operator lists.
    pub hosts: Vec<String>,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// How a directory is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirAsk {
    /// Read only, or read and write.
    pub access: Access,
    /// Why.
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

/// Limits as the author measured them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// For example `16MiB`.
    pub memory: Option<String>,
    /// For example `50ms`.
    pub timeout: Option<String>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The component carries none.
    #[error("it has no `{SECTION}` section: build it with its plugin.toml embedded")]
    Missing,
    /// The section is there twice; which one would count?
    #[error("it has two `{SECTION}` sections")]
    Twice,
    /// Not the JSON that a manifest is.
    #[error("its manifest does not read: {0}")]
    Json(#[from] serde_json::Error),
    /// A value makes no sense.
    #[error("its manifest's `{key}`: {why}")]
    Value {
        /// Where, as in `plugin.toml`.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl Manifest {
    /// Reads the section of a component.
    pub fn read(component: &[u8]) -> Result<Self, ManifestError> {
        let mut found = None;
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            // What does not parse is reported when it is compiled; here it only ends the search.
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

    /// Hooks with what each is for and the events it asks for.
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

    /// The author's memory limit, in bytes.
    pub fn memory(&self) -> Option<u64> {
        self.limits.memory.as_deref().and_then(bytes)
    }

    /// The author's timeout.
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
