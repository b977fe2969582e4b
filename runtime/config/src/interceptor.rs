//! `[[interceptors]]`: the pipeline, in the file's order.

use std::path::PathBuf;

use sandgate_message::{Direction, Hook};
use sandgate_pipeline::{Mode, RefusalStyle, Sees};
use sandgate_text::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Period, Size};
use super::candidate::Candidate;
use super::grants::Grants;
use super::image::Image;
use super::pattern::Pattern;
use super::scalar::{Mistake, Scalar, scalar};
use super::settings::Settings;
use super::signed_by::SignedBy;

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

/// The source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// A builtin plugin, by its name.
    Builtin(String),
    /// A component file, by its path as it was written.
    File(PathBuf),
    /// A component in a registry.
    Registry(Image),
}

/// What a plugin of a registry begins with.
pub(crate) const REGISTRY: &str = "oci://";

/// SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

fn max_concurrent() -> u32 {
    16
}

impl Scalar for PluginSource {
    const KIND: &'static str =
        "\"builtin:NAME\", the path of a component file or \"oci://REGISTRY/NAME:TAG\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write \"builtin:NAME\" or the path of a .wasm file";
        if let Some(reference) = text.strip_prefix(REGISTRY) {
            let help = "write the registry, the name, and a tag, a digest or both, for example \
                        \"oci://ghcr.io/example/mask:1.2.0\"";
            let image = Image::read(reference).map_err(|mistake| {
                let why = match &*mistake.why {
                    "has no image's name" => "has no name behind the registry's".into(),
                    _ => mistake.why,
                };
                Mistake::new(why, help)
            })?;
            return Ok(Self::Registry(image));
        }
        match text.strip_prefix("builtin:") {
            Some("") => Err(Mistake::new("names no plugin", help)),
            Some(name) => Ok(Self::Builtin(name.to_owned())),
            None if text.is_empty() => Err(Mistake::new("is empty", help)),
            None => Ok(Self::File(text.into())),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Builtin(name) => format!("builtin:{name}"),
            Self::File(path) => path.display().to_string(),
            Self::Registry(image) => format!("{REGISTRY}{}", image.0),
        }
    }
}

impl Scalar for Digest {
    const KIND: &'static str = "\"sha256:\" and 64 hexadecimal digits";
    const PATTERN: Option<&'static str> = Some("^sha256:[0-9a-f]{64}$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write \"sha256:\" and 64 lower-case hexadecimal digits, as `sandgate plugin inspect` prints them";
        let bad = || Mistake::new("is not a SHA-256 digest", help);
        let digits = text.strip_prefix("sha256:");
        let digest = digits.and_then(hex::decode_lower);
        digest.map(Self).ok_or_else(bad)
    }

    fn write(&self) -> String {
        format!("sha256:{}", hex::encode(self.0))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.write())
    }
}

scalar!(PluginSource, Digest);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plugin_of_a_registry_names_one_version() {
        let digest = format!("oci://ghcr.io/example/mask@sha256:{}", "0a".repeat(32));
        for text in [
            "oci://localhost:5000/mask:1",
            "oci://ghcr.io/a/b:1.2.0",
            &digest,
        ] {
            let source = PluginSource::read(text).unwrap();
            assert!(matches!(source, PluginSource::Registry(_)));
            assert_eq!(source.write(), text);
        }
        for (text, words) in [
            ("oci://", "names no registry"),
            ("oci://mask:1", "names no registry"),
            ("oci://ghcr.io/mask", "neither a tag nor a digest"),
            ("oci://ghcr.io/../mask:1", "no name behind"),
            ("oci://ada:x@ghcr.io/mask:1", "registry"),
            ("oci://ghcr.io/mask@sha256:0", "64 hexadecimal"),
        ] {
            let said = PluginSource::read(text).unwrap_err();
            assert!(said.why.contains(words), "{text}: {}", said.why);
        }
    }

    #[test]
    fn a_digest_reads_back_as_it_was_written() {
        let text = format!("sha256:{}", "0123456789abcdef".repeat(4));
        assert_eq!(Digest::read(&text).unwrap().write(), text);
        for text in [
            "",
            "sha256:",
            "sha256:00",
            &text.to_uppercase(),
            &text.replace('f', "g"),
            &text[7..],
        ] {
            assert!(Digest::read(text).is_err(), "{text}");
        }
    }
}
