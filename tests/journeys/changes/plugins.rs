//! A plugin's file that changes under the gateway.

use std::process::Command;

use harness::{Gateway, Save};
use serde_json::{Value, json};

use crate::changes::stage::{Stage, bytes, interceptor};

#[test]
fn a_plugin_file_that_is_replaced_is_live_on_the_next_call() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "noop");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, "")));
    let mut version = 1;
    for way in Save::WAYS {
        assert_eq!(
            stage.call(&gateway),
            json!({ "from": "server" }),
            "before {way:?}"
        );
        // The next one keeps every call from the server and answers by itself.
        for (guest, expected) in [
            ("keeps-state", json!({ "asked": 1, "last": null })),
            ("noop", json!({ "from": "server" })),
        ] {
            way.write(&policy, bytes(guest));
            version += 1;
            gateway.await_version(version);
            assert_eq!(stage.call(&gateway), expected, "{guest} by {way:?}");
        }
    }
}

#[test]
fn a_damaged_plugin_file_is_refused_until_it_is_whole_again() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "keeps-state");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, "")));
    let whole = bytes("noop");
    Save::InPlace.write(&policy, &whole[..whole.len() / 2]);
    assert!(gateway.await_reload_error().contains("damaged"));
    assert_eq!(stage.call(&gateway)["asked"], 1, "the one before stays");
    Save::InPlace.write(&policy, whole);
    gateway.await_version(2);
    assert_eq!(stage.call(&gateway), json!({ "from": "server" }));
}

#[test]
fn a_plugin_that_a_refused_change_named_is_live_once_it_is_put_right() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config(""));
    let policy = stage.folder.path().join("policy.wasm");
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&interceptor("policy", &policy, "")).as_bytes(),
    );
    assert!(gateway.await_reload_error().contains("policy.wasm"));
    assert_eq!(stage.call(&gateway), json!({ "from": "server" }));
    // The configuration was right all along: the file is what was missing.
    stage.file("policy.wasm", "keeps-state");
    gateway.await_version(2);
    assert_eq!(stage.call(&gateway)["asked"], 1);
}

#[test]
fn a_pinned_plugin_takes_no_other_file() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "noop");
    let inspected = Command::new(harness::sandgate())
        .args(["plugin", "inspect", "--json"])
        .arg(&policy)
        .output()
        .unwrap();
    let digest = serde_json::from_slice::<Value>(&inspected.stdout).unwrap()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let pin = format!("digest = {digest:?}");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, &pin)));

    Save::RenameOver.write(&policy, bytes("keeps-state"));
    let why = gateway.await_reload_error();
    assert!(
        why.contains("sandgate.toml") && why.contains("the file is another one"),
        "{why}"
    );
    assert_eq!(
        stage.call(&gateway),
        json!({ "from": "server" }),
        "the pinned one stays"
    );
    Save::RenameOver.write(&policy, bytes("noop"));
    gateway.await_version(2);

    Save::RenameOver.write(&policy, bytes("keeps-state"));
    let (code, said) = Gateway::refused(&stage.config(&interceptor("policy", &policy, &pin)));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the file is another one") && said.contains("pin this one if"),
        "{said}"
    );
}
