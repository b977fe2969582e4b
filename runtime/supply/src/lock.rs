//! `sandgate.lock`: what was resolved for each server that is a package, and which plugins were approved.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sandgate_config::{FileError, Package, Scalar};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::kept::KeptError;
use crate::sha256::sha256;

/// The name of the lock, beside the configuration.
pub const FILE: &str = "sandgate.lock";

/// The folder beside it with what npm and pip need to install exactly what was resolved.
pub(crate) const FOLDER: &str = "sandgate.lock.d";

/// The version of the format that is read and written.
pub(crate) const VERSION: i64 = 1;

/// What was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Servers that are packages, by name.
    pub servers: BTreeMap<String, LockedServer>,
    /// Plugins that are files or of a registry, by the name of their interceptor.
    pub plugins: BTreeMap<String, LockedPlugin>,
}

/// A server's package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedServer {
    /// The package as the configuration names it.
    pub package: String,
    /// The registry that was asked: host and port, nothing else.
    pub registry: String,
    /// By whom it is signed, where `signed-by` asks for that: `key sha256:…`, or an identity and its issuer.
    #[serde(default)]
    pub signer: Option<String>,
    /// What resolved it, for example `npm 11.1.0`.
    pub tools: Vec<String>,
    /// SHA-256 over all of the above and the file in `sandgate.lock.d`, as `sha256:` and hexadecimal digits.
    pub digest: String,
}

/// A plugin that is a file, or of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    /// The file, or the reference (`oci://`), as the configuration names it.
    pub file: String,
    /// Of a registry: the digest of the manifest, as `sha256:` and hexadecimal digits.
    #[serde(default)]
    pub manifest: Option<String>,
    /// Of a registry: by whom it is signed, where `signed-by` asks for that.
    #[serde(default)]
    pub signer: Option<String>,
    /// Of a registry: the plugin's version.
    #[serde(default)]
    pub version: Option<String>,
    /// What it asks for, a line each, for example `http api.example.com`. Of a registry: hooks and limits, too.
    pub asks: Vec<String>,
    /// SHA-256 of the file, as `sha256:` and hexadecimal digits.
    pub digest: String,
}

/// Why a lock cannot be used. Nothing that it locks runs then.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LockError {
    #[error("{0}")]
    File(#[from] FileError),
    #[error(
        "{}, line {line}: a merge conflict; take one side of it (git checkout --ours or --theirs {FILE} {FOLDER}), \
         then run `sandgate lock`", .path.display()
    )]
    Conflict { path: PathBuf, line: usize },
    #[error(
        "{} is a lock of `sandgate pins`; move it (mv {FILE} pins.lock), correct `settings.lock` of the policy tool-pins, \
         then run `sandgate lock`", .path.display()
    )]
    Pins { path: PathBuf },
    #[error(
        "{} has version {found}, and this program reads version {VERSION}; use the Sandgate that wrote it, or delete it \
         and run `sandgate lock`", .path.display()
    )]
    Version { path: PathBuf, found: String },
    #[error("{}, line {line}: {why}; undo the edit, or delete the file and run `sandgate lock`", .path.display())]
    Shape {
        path: PathBuf,
        line: usize,
        why: String,
    },
    #[error(
        "{}, line {line}: the entry of the server {server:?}, or its file in {FOLDER}, was edited: together they have \
         {found}, and the entry says {said}; undo the edit (git checkout {FILE} {FOLDER}), or run \
         `sandgate lock --update {server}`",
        .path.display()
    )]
    Edited {
        path: PathBuf,
        line: usize,
        server: String,
        found: String,
        said: String,
    },
    #[error(
        "{}, line {line}: the entry of the plugin {plugin:?}, or its file in {FOLDER}, was edited: {why}; undo the edit \
         (git checkout {FILE} {FOLDER}), or run `sandgate lock --update {plugin}`",
        .path.display()
    )]
    EditedPlugin {
        path: PathBuf,
        line: usize,
        plugin: String,
        why: String,
    },
    #[error("{}: {why}", .path.display())]
    Kept { path: PathBuf, why: KeptError },
    #[error("{} cannot be written: {why}", .path.display())]
    Write { path: PathBuf, why: std::io::Error },
}

impl LockedServer {
    /// The entry for a package that was resolved to this kept lock.
    pub fn new(package: &Package, registry: String, tools: Vec<String>, kept: &str) -> Self {
        let mut entry = Self {
            package: package.write(),
            registry,
            signer: None,
            tools,
            digest: String::new(),
        };
        entry.digest = entry.digest_with(kept);
        entry
    }

    /// The entry, with who signed what is kept.
    pub(crate) fn signed_by(mut self, signer: Option<String>, kept: &str) -> Self {
        self.signer = signer;
        self.digest = self.digest_with(kept);
        self
    }

    /// The digest over the entry and its kept lock.
    pub(crate) fn digest_with(&self, kept: &str) -> String {
        let mut hash = Sha256::new();
        let tools = self.tools.join("\n");
        let parts = [&self.package, &self.registry, &tools, kept];
        // A signer comes last, and only where there is one: entries without keep their digests.
        for part in parts.into_iter().chain(self.signer.as_deref()) {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        sha256(&hash.finalize())
    }
}
