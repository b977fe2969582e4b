//! Turns a toolchain's output into a component: encoded, described, and with its manifest in it. All of it happens
//! within this process.

use sandgate_host::Manifest;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasm_metadata::{AddMetadata, AddMetadataField};
use wit_component::ComponentEncoder;

use super::language::{Compiled, Language};

/// Why the output cannot be made a component.
#[derive(Debug, thiserror::Error)]
pub enum NotAComponent {
    /// The core module lacks the contract's types, or imports what nobody provides.
    #[error("the core module cannot be made a component: {0:#}")]
    Encode(String),
    /// The metadata cannot be added.
    #[error("the component cannot be described: {0:#}")]
    Describe(String),
}

/// The component, with the manifest in it.
pub(super) fn assemble(
    compiled: &Compiled,
    language: &dyn Language,
    manifest: &Manifest,
    json: &str,
) -> Result<Vec<u8>, NotAComponent> {
    let component = if is_core_module(&compiled.wasm) {
        encode(&compiled.wasm)?
    } else {
        compiled.wasm.clone()
    };
    let mut component = describe(&component, compiled, language, manifest)?;
    sandgate_embed::embed(&mut component, json);
    Ok(component)
}

fn is_core_module(wasm: &[u8]) -> bool {
    wasm.starts_with(b"\0asm\x01\0\0\0")
}

/// Encodes a core module as a component.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>, NotAComponent> {
    encode_with(module, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
}

/// Like [`encode`], with an adapter for what the module imports of WASI's first preview.
pub(super) fn encode_with(module: &[u8], adapter: &[u8]) -> Result<Vec<u8>, NotAComponent> {
    let encode = || {
        ComponentEncoder::default()
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?
            .validate(true)
            .encode()
    };
    encode().map_err(|error| NotAComponent::Encode(format!("{error:#}")))
}

/// Adds the metadata that other tools read of a component.
fn describe(
    component: &[u8],
    compiled: &Compiled,
    language: &dyn Language,
    manifest: &Manifest,
) -> Result<Vec<u8>, NotAComponent> {
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(manifest.name.clone());
    add.language = vec![(language.name().to_owned(), String::new())];
    add.sdk = compiled.sdk.iter().cloned().collect();
    add.processed_by = vec![("sandgate".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let mut described = add
        .to_wasm(component)
        .map_err(|error| NotAComponent::Describe(format!("{error:#}")))?;
    // The sections of OCI's annotations, under the names that registries look for.
    for (name, text) in [
        ("description", &manifest.description),
        ("licenses", &manifest.licence),
        ("version", &manifest.version),
    ] {
        if !text.is_empty() {
            sandgate_embed::section(&mut described, name, text);
        }
    }
    Ok(described)
}
