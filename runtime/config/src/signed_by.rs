//! `signed-by`: by whom an image, or a plugin of a registry, must be signed.

use std::ops::Range;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::Issue;
use super::scalar::{Mistake, Scalar, scalar};
use super::tree::{Entry, Node, Table};
use super::wording::named;
use crate::plugin_source::REGISTRY;

/// By whom an image, or a plugin of a registry, must be signed: a key, or an identity that an issuer vouches for
/// (Sigstore). What is not signed so does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignedBy {
    /// File with the public key (PEM), as `cosign public-key` prints it. Relative to this file. Either this, or
    /// `identity` and `issuer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Whom the certificate names: an address of the web, such as that of a workflow, or of mail. With `*` at its
    /// end, each that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<SignerIdentity>,
    /// Who vouched for that name to the authority, for example `https://token.actions.githubusercontent.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub issuer: Option<String>,
    /// File with the authorities and logs that are believed (`trusted_root.json`), relative to this file. Left out:
    /// those of Sigstore's public instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root: Option<PathBuf>,
}

/// Whom a signer's certificate names, with or without `*` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerIdentity(pub String);

impl SignedBy {
    /// The files that say whose signatures count.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.key.iter().chain(&self.trusted_root)
    }
}

impl Scalar for SignerIdentity {
    const KIND: &'static str = "an identity such as \"https://github.com/example/notes/*\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write it as the certificate has it; `*` may stand at its end, behind a whole part of an address: \
                    \"https://github.com/example/*\"";
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > 1024 || !plain {
            return Err(Mistake::new("is no identity", help));
        }
        let beginning = text.strip_suffix('*');
        if text.trim_end_matches('*').contains('*') || text.ends_with("**") {
            return Err(Mistake::new("has `*` elsewhere than at its end", help));
        }
        // `https://github.com*` would be `https://github.com.example.org` too, and a host alone is everybody on it.
        let path = beginning.map(|text| {
            text.split_once("://")
                .and_then(|(_, rest)| rest.split_once('/'))
        });
        if path.is_some_and(|path| path.is_none_or(|(_, path)| !path.contains('/'))) {
            return Err(Mistake::new("has `*` for everybody on a host", help));
        }
        Ok(Self(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

scalar!(SignerIdentity);

/// Of servers, images of registries alone have a signature.
pub(crate) fn check(place: &str, table: &Table, issues: &mut Vec<Issue>) {
    let Some((key, entry)) = table.member("signed-by") else {
        return;
    };
    let image = table.get("image");
    let mut error = |why: String, help: &str| {
        issues.push(Issue::error(Some(key.span.clone()), why).help(help.to_owned()));
    };
    let Some(image) = image else {
        let why = format!("{place} has `signed-by`, which goes with `image`");
        return error(why, "leave it out");
    };
    if image
        .text()
        .is_some_and(|image| image.starts_with("localhost/"))
    {
        let why =
            format!("{place} is an image of this machine, for which no registry has a signature");
        return error(
            why,
            "leave `signed-by` out, or push the image to a registry and sign it there",
        );
    }
    check_who(place, key.span.clone(), entry, issues);
}

/// Plugins of registries alone have a signature, and no digest beside the one in their reference.
pub(crate) fn check_interceptor(index: usize, table: &Table, issues: &mut Vec<Issue>) {
    let place = named(&format!("/interceptors/{index}"));
    let is_remote = |table: &Table| {
        let plugin = table.get("plugin").and_then(Entry::text);
        plugin.is_some_and(|plugin| plugin.starts_with(REGISTRY))
    };
    let candidate = table.table("candidate");
    for (table, place) in [
        (Some(table), place.clone()),
        (
            candidate,
            named(&format!("/interceptors/{index}/candidate")),
        ),
    ] {
        let Some(table) = table.filter(|table| is_remote(table)) else {
            continue;
        };
        if let Some((key, _)) = table.member("digest") {
            let why = format!("{place} has `digest`, which goes with a plugin's file");
            let help = "leave it out: write the digest into `plugin`, behind `@`, or leave it to `sandgate lock`";
            issues.push(Issue::error(Some(key.span.clone()), why).help(help));
        }
    }
    let Some((key, entry)) = table.member("signed-by") else {
        return;
    };
    if !is_remote(table) && !candidate.is_some_and(is_remote) {
        let why =
            format!("{place} has `signed-by`, which goes with a plugin of a registry (`oci://`)");
        issues.push(Issue::error(Some(key.span.clone()), why).help("leave it out"));
        return;
    }
    check_who(&place, key.span.clone(), entry, issues);
}

/// A signature is by a key or by an identity.
fn check_who(place: &str, span: Range<usize>, entry: &Entry, issues: &mut Vec<Issue>) {
    let mut error = |why: String, help: &str| {
        issues.push(Issue::error(Some(span.clone()), why).help(help.to_owned()));
    };
    let Node::Table(by) = &entry.node else { return };
    let has = |name: &str| by.get(name).is_some();
    let help = "write { key = \"cosign.pub\" }, or { identity = \"…\", issuer = \"…\" }";
    match (has("key"), has("identity"), has("issuer")) {
        (true, false, false) if has("trusted-root") => error(
            format!("{place} has `signed-by.trusted-root`, which goes with `identity`"),
            "leave it out: a key is believed by itself",
        ),
        (true, false, false) | (false, true, true) => {}
        (true, _, _) => error(
            format!("{place} is signed by a key and by an identity"),
            help,
        ),
        (false, false, false) => error(format!("{place} is signed by nobody"), help),
        (false, true, false) => error(
            format!("{place} has a signer's `identity` without its `issuer`"),
            "write who vouches for it: anybody else could vouch for the same name",
        ),
        (false, false, true) => error(
            format!("{place} has a signer's `issuer` without an `identity`"),
            "write whom it vouches for: it vouches for many",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_identity_is_one_or_all_below_an_owner_of_a_host() {
        for text in [
            "ada@example.com",
            "https://github.com/example/notes/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/example/notes/.github/workflows/release.yml@refs/tags/*",
            "https://github.com/example/*",
        ] {
            SignerIdentity::read(text).unwrap();
        }
        for text in [
            "",
            "*",
            "a b",
            "*@example.com",
            "ada@*",
            "https://*",
            "https://github.com*",
            "https://github.com/*",
            "https://github.com/exam*",
            "https://github.com/*/notes",
            "https://github.com/example/**",
        ] {
            assert!(SignerIdentity::read(text).is_err(), "{text}");
        }
    }
}
