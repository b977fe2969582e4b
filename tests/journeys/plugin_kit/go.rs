//! What the Go SDK keeps for components: the contract's types, and what answers Go's runtime.

use std::path::{Path, PathBuf};

use wit_component::{StringEncoding, embed_component_metadata, metadata};
use wit_parser::Resolve;

fn component() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/go/component")
}

fn keeps(name: &str, made: &[u8]) {
    let kept = component().join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&kept, made).unwrap();
    }
    assert!(
        std::fs::read(&kept).unwrap() == made,
        "{name} differs; BLESS=1 writes it anew"
    );
}

#[test]
fn regenerating_what_the_go_sdk_keeps_for_components_changes_nothing() {
    let mut resolve = Resolve::default();
    resolve.push_dir(component().join("../wit")).unwrap();
    let package = resolve.push_file(component().join("plugin.wit")).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let types = metadata::encode(&resolve, world, StringEncoding::UTF8, None).unwrap();
    keeps("contract.type", &types);

    let mut resolve = Resolve::default();
    let package = resolve.push_file(component().join("adapter.wit")).unwrap();
    let world = resolve.select_world(&[package], Some("adapter")).unwrap();
    let mut adapter = wat::parse_file(component().join("adapter.wat")).unwrap();
    embed_component_metadata(&mut adapter, &resolve, world, StringEncoding::UTF8).unwrap();
    keeps("adapter.wasm", &adapter);
}
