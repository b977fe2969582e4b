//! Plugins in the lock: shown where they change, and held to it where the configuration says so.

use super::stand::{Stand, said};

/// Writes the configuration's only plugin: a guest of the zoo.
fn policy(stand: &Stand, guest: &str) {
    let bytes = sandgate_guests::find(guest).unwrap().bytes;
    std::fs::write(stand.path("policy.wasm"), bytes).unwrap();
}

fn configure(stand: &Stand, gateway: &str) {
    let text = format!(
        "[gateway]\n{gateway}\n[servers.one]\ncommand = \"true\"\n\n\
         [[interceptors]]\nname = \"policy\"\nplugin = \"policy.wasm\"\n"
    );
    std::fs::write(stand.config(), text).unwrap();
}

#[test]
fn a_plugin_that_asks_for_more_is_shown_and_approved() {
    let stand = Stand::new();
    configure(&stand, "");
    policy(&stand, "noop");
    said(
        &stand.sandgate(&["lock", "--check"]),
        1,
        &["run `sandgate lock`"],
    );
    said(
        &stand.sandgate(&["lock"]),
        0,
        &["the plugin policy.wasm is locked", "is written"],
    );
    said(&stand.sandgate(&["lock", "--check"]), 0, &["agree"]);
    policy(&stand, "counter");
    let names = "sandgate lock --update policy";
    said(
        &stand.sandgate(&["lock", "--check"]),
        1,
        &[names, "+ asks for state"],
    );
    said(&stand.sandgate(&["lock"]), 2, &[names, "+ asks for state"]);
    let update = ["lock", "--update", "policy"];
    said(
        &stand.sandgate(&update),
        1,
        &["+ asks for state", "not approved"],
    );
    let approved = stand.sandgate(&[&update[..], &["--yes"]].concat());
    said(&approved, 0, &["+ asks for state", "is written"]);
    said(&stand.sandgate(&["lock", "--check"]), 0, &["agree"]);
}

#[test]
fn a_plugin_is_held_to_the_lock_where_the_configuration_says_so() {
    let stand = Stand::new();
    let required = "require-lock = true\n";
    configure(&stand, required);
    policy(&stand, "noop");
    said(
        &stand.sandgate(&["check"]),
        2,
        &["has no such plugin", "run `sandgate lock`"],
    );
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    said(&stand.sandgate(&["check"]), 0, &["policy.wasm"]);
    policy(&stand, "counter");
    let other = ["the file is another one", "sandgate lock --update policy"];
    said(&stand.sandgate(&["check"]), 2, &other);
    said(&stand.sandgate(&["run"]), 2, &other);
    configure(&stand, "");
    said(&stand.sandgate(&["check"]), 0, &["policy.wasm"]);
}
