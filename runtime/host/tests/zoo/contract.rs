//! The contract: what runs for ever, and what is told apart from it.

use bytes::Bytes;
use sandgate_host::{FileError, PluginFile};

use crate::decisions::everything_is_there;
use crate::stand::{prepare, spec_of};

#[tokio::test]
async fn a_plugin_built_for_0_1_0_runs_for_ever() {
    let mut spec = spec_of(sandgate_guests::FROZEN);
    assert_eq!(
        spec.file.digest(),
        "sha256:d8dc0df41e359f79d02f30718e83012de15177a6d1ccbe1fbd737f018001e681",
        "it is never built again"
    );
    assert!(
        spec.file
            .exports()
            .iter()
            .all(|name| name.ends_with("@0.1.0"))
    );
    spec.grants.state = true;
    everything_is_there(&prepare(spec).await.unwrap()).await;
}

fn read(text: &str) -> FileError {
    let bytes = wat::parse_str(text).unwrap();
    PluginFile::read(Bytes::from(bytes)).unwrap_err()
}

#[test]
fn a_plugin_from_the_future_is_told_which_gateway_it_needs() {
    for version in ["0.2.0", "1.0.0", "0.10.0"] {
        let error = read(&format!(
            r#"(component (import "sandgate:interceptor/call@{version}" (instance)))"#
        ));
        assert!(matches!(error, FileError::Version { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(version) && message.contains("0.1.x"),
            "{message}"
        );
    }
}

#[test]
fn a_component_of_another_world_is_told_what_it_exports() {
    let error =
        read(r#"(component (instance $run) (export "wasi:cli/run@0.2.0" (instance $run)))"#);
    let message = error.to_string();
    assert!(
        message.contains("another world") && message.contains("wasi:cli/run@0.2.0"),
        "{message}"
    );
}

#[test]
fn a_core_module_is_told_how_to_become_a_component() {
    let message = read("(module)").to_string();
    assert!(
        message.contains("core WebAssembly module") && message.contains("wasm32-wasip2"),
        "{message}"
    );
}

#[test]
fn a_plugin_without_its_manifest_is_told_to_embed_it() {
    let error = read(
        r#"(component (instance $hook) (export "sandgate:interceptor/pre-call@0.1.0" (instance $hook)))"#,
    );
    assert!(error.to_string().contains("plugin.toml"), "{error}");
}

#[test]
fn a_later_0_1_is_not_refused_for_its_number() {
    let error = read(
        r#"(component (instance $hook) (export "sandgate:interceptor/pre-call@0.1.9" (instance $hook)))"#,
    );
    assert!(matches!(error, FileError::Manifest(_)), "{error}");
}

/// What a manifest promises and a component lacks.
#[test]
fn a_hook_that_is_promised_and_missing_is_named() {
    let mut component =
        wat::parse_str(r#"(component (instance $hook) (export "sandgate:interceptor/pre-call@0.1.0" (instance $hook)))"#)
            .unwrap();
    let manifest = r#"{"name":"a","version":"1.0.0","hooks":{"post-call":{"type":"mutation","events":["*"]}}}"#;
    sandgate_embed::embed(&mut component, manifest);
    let error = PluginFile::read(Bytes::from(component)).unwrap_err();
    assert!(error.to_string().contains("post-call"), "{error}");
}

/// An export that looks like a hook by its name and is none.
#[tokio::test]
async fn a_hook_of_another_shape_is_refused_when_it_is_prepared() {
    let mut component =
        wat::parse_str(r#"(component (instance $hook) (export "sandgate:interceptor/pre-call@0.1.0" (instance $hook)))"#)
            .unwrap();
    let manifest =
        r#"{"name":"a","version":"1.0.0","hooks":{"pre-call":{"type":"mutation","events":["*"]}}}"#;
    sandgate_embed::embed(&mut component, manifest);
    let error = prepare(spec_of(component.leak())).await.err().unwrap();
    assert!(error.to_string().contains("needs something"), "{error}");
}
