//! A plugin's file, read but not run: what it is, what it says of itself, what it imports and exports.

use bytes::Bytes;
use sandgate_message::Hook;
use wasmparser::{Encoding, Parser, Payload};

use crate::dev_source::DevSource;
use crate::digest;
use crate::instrument;
use crate::manifest::{Manifest, ManifestError};

/// The contract's package.
const PACKAGE: &str = "sandgate:interceptor/";
/// The versions of it that this host has: 0.1.x.
const SERIES: &str = "0.1.";

/// A file larger than this is not read. Python's components have 18 MB.
pub const MAX_FILE: usize = 128 << 20;

/// Why a component with its source beside it is configured before each run.
pub(crate) const DEVELOPMENT: &str = "it is a version under development, with its source beside an interpreter: build it for an operator";

/// A component that can be an interceptor.
#[derive(Clone, Debug)]
pub struct PluginFile {
    bytes: Bytes,
    digest: String,
    manifest: Manifest,
    imports: Vec<String>,
    exports: Vec<String>,
    dev_source: Option<DevSource>,
}

/// Why a file is no plugin, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Some other kind of file.
    #[error(
        "it is not WebAssembly: a plugin is a component, built for example with `cargo build --target wasm32-wasip2`"
    )]
    NotWasm,
    /// A module, not a component.
    #[error(
        "it is a core WebAssembly module, not a component: build it for wasm32-wasip2, or encode it as a component"
    )]
    CoreModule,
    /// Over [`MAX_FILE`].
    #[error("it has {0} bytes; a plugin may have {MAX_FILE}")]
    TooLarge(usize),
    /// The encoding is broken.
    #[error("it is a damaged component: {0}")]
    Damaged(String),
    /// The manifest is missing or wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A component for something else.
    #[error("it exports neither pre-call nor post-call of sandgate:interceptor, so it is a component of another world (it exports {})", list(.0))]
    OtherWorld(Vec<String>),
    /// Built for a contract that this host does not have.
    #[error(
        "it was built for {found}; this gateway has sandgate:interceptor@{SERIES}x: use a gateway of that version, or build it again for this one"
    )]
    Version {
        /// The interface as the component names it.
        found: String,
    },
    /// The manifest promises a hook that is not there.
    #[error("its manifest names the hook {}, which the component does not export", .0.as_str())]
    HookMissing(Hook),
}

impl PluginFile {
    /// Reads a file's bytes. What is returned keeps them: what was looked at is what will be compiled.
    pub fn read(bytes: Bytes) -> Result<Self, FileError> {
        if bytes.len() > MAX_FILE {
            return Err(FileError::TooLarge(bytes.len()));
        }
        if !bytes.starts_with(b"\0asm") {
            return Err(FileError::NotWasm);
        }
        let (imports, exports) = names(&bytes)?;
        for name in imports.iter().chain(&exports) {
            let version = name
                .strip_prefix(PACKAGE)
                .and_then(|rest| rest.split_once('@'))
                .map(|(_, version)| version);
            if version.is_some_and(|version| !version.starts_with(SERIES)) {
                return Err(FileError::Version {
                    found: name.clone(),
                });
            }
        }
        let has = |hook: Hook| {
            exports
                .iter()
                .any(|name| interface(name) == Some(hook.as_str()))
        };
        if !has(Hook::PreCall) && !has(Hook::PostCall) {
            return Err(FileError::OtherWorld(exports));
        }
        let manifest = Manifest::read(&bytes)?;
        if let Some((hook, ..)) = manifest.hooks().into_iter().find(|(hook, ..)| !has(*hook)) {
            return Err(FileError::HookMissing(hook));
        }
        let dev_source = DevSource::read(&bytes).map_err(FileError::Damaged)?;
        let digest = digest::sha256(&bytes);
        Ok(Self {
            bytes,
            digest,
            manifest,
            imports,
            exports,
            dev_source,
        })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
    /// `sha256:…` of the bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }
    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    /// The interfaces it imports: what it may use, if it is given it.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }
    /// The interfaces it exports.
    pub fn exports(&self) -> &[String] {
        &self.exports
    }
    /// Its memory after `configure` can be kept; otherwise it is configured anew for every run. Says why not.
    pub fn snapshot(&self) -> Result<(), String> {
        if self.dev_source.is_some() {
            return Err(DEVELOPMENT.into());
        }
        instrument::possible(&self.bytes)
    }
}

impl PluginFile {
    /// Code and source, where they lie apart.
    pub(crate) fn dev_source(&self) -> Option<&DevSource> {
        self.dev_source.as_ref()
    }
}

/// `pre-call` of `sandgate:interceptor/pre-call@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(
        rest.split_once('@')
            .map_or(rest, |(interface, _)| interface),
    )
}

/// The component's own imports and exports, not those of what is nested in it.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), FileError> {
    let damaged = |error: wasmparser::BinaryReaderError| FileError::Damaged(error.to_string());
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(FileError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".into()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn error(bytes: &'static [u8]) -> String {
        PluginFile::read(Bytes::from_static(bytes))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_plugin_is_told_apart() {
        assert!(error(b"#!/bin/sh\n").contains("not WebAssembly"));
        assert!(error(b"\0asm\x01\0\0\0").contains("core WebAssembly module"));
        assert!(error(b"\0asm\x0d\0\x01\0").contains("another world (it exports nothing)"));
        assert!(error(b"\0asm\x0d\0\x01\0\xff\xff").contains("damaged"));
    }

    #[test]
    fn the_interface_is_the_name_without_package_and_version() {
        assert_eq!(
            interface("sandgate:interceptor/pre-call@0.1.7"),
            Some("pre-call")
        );
        assert_eq!(interface("wasi:cli/run@0.2.0"), None);
    }
}
