//! A plugin's file: its manifest, its imports and its exports. The file is parsed; no code of it runs.

use bytes::Bytes;
use sandgate_message::Hook;
use wasmparser::{Encoding, Parser, Payload};

use crate::dev_source::DevSource;
use crate::digest;
use crate::instrument;
use crate::manifest::{Manifest, ManifestError};

/// The WIT package of the contract, with the separator before the interface.
const PACKAGE: &str = "sandgate:interceptor/";
/// The versions of the contract that this host supports: 0.1.x.
const SERIES: &str = "0.1.";

/// Bytes of the largest file that is read. Python's components have 18 MB.
pub const MAX_FILE: usize = 128 << 20;

/// Why a plugin under development is configured before each run.
pub(crate) const UNDER_DEVELOPMENT: &str = "it is a version under development, with its source beside an interpreter: build it for an operator";

/// A component that can be an interceptor, with what its file says of it.
#[derive(Clone, Debug)]
pub struct PluginFile {
    bytes: Bytes,
    digest: String,
    manifest: Manifest,
    imports: Vec<String>,
    exports: Vec<String>,
    dev_source: Option<DevSource>,
}

/// Why a file is no plugin. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not WebAssembly.
    #[error(
        "it is not WebAssembly: a plugin is a component, built for example with `cargo build --target wasm32-wasip2`"
    )]
    NotWasm,
    /// The file is a core module, not a component.
    #[error(
        "it is a core WebAssembly module, not a component: build it for wasm32-wasip2, or encode it as a component"
    )]
    CoreModule,
    /// The file has this many bytes, more than [`MAX_FILE`].
    #[error("it has {0} bytes; a plugin may have {MAX_FILE}")]
    TooLarge(usize),
    /// The component does not parse.
    #[error("it is a damaged component: {0}")]
    Damaged(String),
    /// The manifest is missing or wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The component exports neither hook. The list holds its exports.
    #[error("it exports neither pre-call nor post-call of sandgate:interceptor, so it is a component of another world (it exports {})", list(.0))]
    OtherWorld(Vec<String>),
    /// The component was built for a version of the contract that this host does not support.
    #[error(
        "it was built for {found}; this gateway has sandgate:interceptor@{SERIES}x: use a gateway of that version, or build it again for this one"
    )]
    Version {
        /// The name of the interface in the component, with its version.
        found: String,
    },
    /// The manifest names a hook that the component does not export.
    #[error("its manifest names the hook {}, which the component does not export", .0.as_str())]
    HookMissing(Hook),
}

impl PluginFile {
    /// Reads a plugin from the bytes of its file. The plugin keeps the bytes, so that the bytes that were checked are
    /// the bytes that are compiled.
    ///
    /// # Errors
    /// The bytes are no plugin for this host; the [`FileError`] says why.
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
    /// The manifest in the file.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    /// The names of the imported interfaces. The plugin can use them as far as they are granted.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }
    /// The names of the exported interfaces.
    pub fn exports(&self) -> &[String] {
        &self.exports
    }
    /// Checks that the plugin can be snapshotted: its memory after `configure` is the start of each run. Otherwise the
    /// plugin is configured before each run.
    ///
    /// # Errors
    /// Why the plugin cannot be snapshotted.
    pub fn snapshot(&self) -> Result<(), String> {
        if self.dev_source.is_some() {
            return Err(UNDER_DEVELOPMENT.into());
        }
        instrument::check(&self.bytes)
    }

    /// Whether `sandgate plugin dev` made the plugin: an interpreter with the author's source beside it.
    pub fn is_development(&self) -> bool {
        self.dev_source.is_some()
    }

    /// The version, with `+dev` where the plugin is under development.
    pub fn version(&self) -> String {
        let version = &self.manifest.version;
        match self.is_development() {
            true => format!("{version}+dev"),
            false => version.clone(),
        }
    }

    /// Code and source of a plugin under development. `None`: the plugin is an ordinary component.
    pub(crate) fn dev_source(&self) -> Option<&DevSource> {
        self.dev_source.as_ref()
    }
}

/// The interface in a name of the contract: `pre-call` in `sandgate:interceptor/pre-call@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(
        rest.split_once('@')
            .map_or(rest, |(interface, _)| interface),
    )
}

/// The names of the component's own imports and exports, without those of nested components and modules.
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
