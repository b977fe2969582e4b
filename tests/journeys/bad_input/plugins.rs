//! A file that is no plugin: the message says what it is instead and what to do.

use harness::{FakeServer, Gateway, Script};

#[track_caller]
fn refused(content: &[u8], more: &str, said: [&str; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("policy.wasm");
    std::fs::write(&plugin, content).unwrap();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n[[interceptors]]\nname = \"policy\"\nplugin = {plugin:?}\n{more}"
    );
    let (code, text) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{text}");
    // Long messages are not broken over lines.
    for words in [&["sandgate.toml:6:10"][..], &said].concat() {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

fn noop() -> Vec<u8> {
    sandgate_guests::find("noop").unwrap().bytes.to_vec()
}

#[test]
fn not_wasm() {
    refused(
        b"#!/bin/sh\n",
        "",
        ["it is not WebAssembly", "--target wasm32-wasip2"],
    );
    refused(b"", "", ["it is not WebAssembly", "--target wasm32-wasip2"]);
}

#[test]
fn a_core_module() {
    refused(
        b"\0asm\x01\0\0\0",
        "",
        [
            "it is a core WebAssembly module",
            "build it for wasm32-wasip2",
        ],
    );
}

#[test]
fn half_a_component() {
    let whole = noop();
    refused(&whole[..whole.len() / 2], "", ["damaged", "help"]);
}

#[test]
fn a_component_of_another_world() {
    refused(
        b"\0asm\x0d\0\x01\0",
        "",
        ["a component of another world", "sandgate:interceptor"],
    );
}

#[test]
fn a_version_from_the_future() {
    let mut component = noop();
    for at in 0..component.len() - 6 {
        if component[at..].starts_with(b"@0.1.0") {
            component[at + 3] = b'9';
        }
    }
    refused(&component, "", ["@0.9.0", "use a gateway of that version"]);
}

#[test]
fn a_file_that_is_not_there() {
    let config = "[gateway]\nlisten = \"127.0.0.1:0\"\n\n[[interceptors]]\nname = \"policy\"\nplugin = \"no/such.wasm\"\n";
    let (code, said) = Gateway::refused(config);
    assert_eq!(code, Some(2), "{said}");
    for words in [
        "sandgate.toml:6:10",
        "no/such.wasm",
        "relative to the configuration file",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn an_unknown_builtin_gets_the_list_of_them() {
    let config = "[gateway]\nlisten = \"127.0.0.1:0\"\n\n[[interceptors]]\nname = \"policy\"\nplugin = \"builtin:nothing\"\n";
    let (code, said) = Gateway::refused(config);
    assert_eq!(code, Some(2), "{said}");
    for words in [
        "sandgate.toml:6:10",
        "there is no builtin:nothing",
        "allow-tools",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn a_grant_that_the_plugin_does_not_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("policy.wasm");
    std::fs::write(&plugin, noop()).unwrap();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n[[interceptors]]\nname = \"policy\"\nplugin = {plugin:?}\ngrants = {{ state = true }}\n"
    );
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("sandgate.toml:7:") && said.contains("state"),
        "{said}"
    );
}

#[test]
fn what_is_asked_for_and_not_granted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("policy.wasm");
    std::fs::write(&plugin, sandgate_guests::find("counter").unwrap().bytes).unwrap();
    let server = FakeServer::http(Script::new());
    let config = format!(
        "{}\n[[interceptors]]\nname = \"policy\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n",
        server.config("fake")
    );
    let gateway = Gateway::start(&config);
    let log = gateway.log();
    for words in [
        "sandgate.toml:",
        "state",
        "counts what it is told to count",
        "grants",
    ] {
        assert!(log.contains(words), "{words:?} is not in:\n{log}");
    }
}
