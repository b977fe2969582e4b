//! Rust: new, test, build, run, live.

use std::path::Path;

use serde_json::Value;

use crate::plugin_kit::author::{Author, call, gateway, telling_server};

#[test]
fn from_nothing_to_a_call_that_a_rust_plugin_changed() {
    let author = Author::new();
    let made = author.sandgate(&["plugin", "new", "mask-email", "--lang", "rust"]);
    assert_eq!(made.code, Some(0), "{made:?}");

    let blessing = std::env::var_os("BLESS").is_some();
    if blessing {
        // The versions are those that this workspace is built with, so that they are there without a network.
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        std::fs::copy(own, author.path("mask-email/Cargo.lock")).unwrap();
    }
    let lock = || std::fs::read_to_string(author.path("mask-email/Cargo.lock")).unwrap();
    let laid = lock();
    let tested = author.sandgate(&["plugin", "test", "mask-email", "--junit", "fixtures.xml"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.out.contains("4 passed, 0 failed"), "{}", tested.out);
    // The lock file that `new` lays is the one that cargo needs.
    if blessing {
        let template = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../runtime/authoring/src/templates/rust/Cargo.lock"
        );
        let own = "name = \"mask-email\"";
        std::fs::write(template, lock().replace(own, "name = \"{{name}}\"")).unwrap();
    }
    assert!(
        blessing || lock() == laid,
        "BLESS=1 writes the template anew"
    );
    let junit = std::fs::read_to_string(author.path("fixtures.xml")).unwrap();
    assert!(junit.contains("tests=\"4\" failures=\"0\""), "{junit}");

    // The same two hundred decisions as in every other language.
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mask-email/fixtures");
    let shared = shared.to_str().unwrap();
    let all = author.sandgate(&[
        "plugin",
        "test",
        "mask-email",
        "--no-build",
        "--fixtures",
        shared,
    ]);
    assert_eq!(all.code, Some(0), "{}", all.out);
    assert!(all.out.contains("200 passed, 0 failed"), "{}", all.out);

    // Cargo says whether something has changed.
    for unchanged in [false, true] {
        let built = author.sandgate(&["plugin", "build", "mask-email", "--json"]);
        let built: Value = serde_json::from_str(&built.out).unwrap();
        assert_eq!(built["unchanged"], unchanged, "{built}");
    }

    let plugin = author.path("mask-email/target/mask-email.wasm");
    let inspected = author.sandgate(&["plugin", "inspect", plugin.to_str().unwrap(), "--json"]);
    let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
    assert_eq!(inspected["language"], "Rust");
    assert_eq!(inspected["sdk"]["name"], "sandgate-sdk");

    let refused = author.sandgate(&[
        "plugin",
        "run",
        plugin.to_str().unwrap(),
        "--hook",
        "pre-call",
        "--params",
        r#"{"name":"shell","arguments":{"command":"rm -rf /"}}"#,
    ]);
    assert_eq!(refused.code, Some(10), "{refused:?}");
    assert!(
        refused
            .out
            .contains("refuse    command.destructive: destructive command"),
        "{refused:?}"
    );
    let unseen = author.sandgate(&[
        "plugin",
        "run",
        plugin.to_str().unwrap(),
        "--hook",
        "pre-call",
        "--event",
        "prompts/get",
    ]);
    assert!(
        unseen
            .out
            .contains("its pre-call sees tools/call: a gateway would not call it for prompts/get"),
        "{unseen:?}"
    );
    let changed = author.sandgate(&[
        "plugin",
        "run",
        plugin.to_str().unwrap(),
        "--hook",
        "post-call",
        "--reply",
        r#"{"content":[{"type":"text","text":"ada@example.com"}]}"#,
    ]);
    assert_eq!(changed.code, Some(0), "{changed:?}");
    assert!(
        changed
            .out
            .contains("-       \"text\": \"ada@example.com\""),
        "{}",
        changed.out
    );
    assert!(
        changed.out.contains("+       \"text\": \"[email]\""),
        "{}",
        changed.out
    );

    let server = telling_server();
    let gateway = gateway(&server, &plugin);
    let reply = call(&gateway, "ls");
    assert_eq!(
        reply["result"]["content"][0]["text"], "Write to [email].",
        "{reply}"
    );
    let reply = call(&gateway, "rm -rf /");
    assert!(reply.to_string().contains("command.destructive"), "{reply}");
}

#[test]
fn a_fixture_that_fails_shows_the_difference_and_blessing_accepts_it() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "guard", "--lang", "rust", "--hook", "pre"]);
    let fixture = "guard/fixtures/lets-others-pass.toml";
    let right = std::fs::read_to_string(author.path(fixture)).unwrap();
    author.write(fixture, &right.replace("ls -l", "rm -rf ~"));
    let failed = author.sandgate(&["plugin", "test", "guard"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    for part in [
        "FAIL  lets-others-pass",
        "-   \"decision\": \"proceed\"",
        "+   \"decision\": \"refuse\"",
        "1 passed, 1 failed",
    ] {
        assert!(failed.out.contains(part), "{part:?} in\n{}", failed.out);
    }
    let blessed = author.sandgate(&["plugin", "test", "guard", "--bless"]);
    assert!(
        blessed.out.contains("2 passed, 0 failed, 1 written anew"),
        "{}",
        blessed.out
    );
    let again = author.sandgate(&["plugin", "test", "guard", "--no-build"]);
    assert_eq!(again.code, Some(0), "{}", again.out);
    let fixture = std::fs::read_to_string(author.path(fixture)).unwrap();
    assert!(
        fixture.contains("code = \"command.destructive\""),
        "{fixture}"
    );
}

#[test]
fn what_does_not_compile_is_told_by_the_compiler_and_the_last_good_file_stays() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "typo", "--lang", "rust", "--hook", "post"]);
    let built = author.sandgate(&["plugin", "build", "typo"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let good = std::fs::read(author.path("typo/target/typo.wasm")).unwrap();
    let source = std::fs::read_to_string(author.path("typo/src/lib.rs")).unwrap();
    let typo = source.replace("map_texts(reply, masked)", "map_texts(reply, maskd)");
    assert_ne!(typo, source);
    author.write("typo/src/lib.rs", &typo);
    let failed = author.sandgate(&["plugin", "build", "typo"]);
    assert_eq!(failed.code, Some(2));
    assert!(
        failed.err.contains("cannot find value `maskd`"),
        "{}",
        failed.err
    );
    assert!(failed.err.contains("src/lib.rs:"), "{}", failed.err);
    assert!(
        failed.err.ends_with("it does not compile\n"),
        "{}",
        failed.err
    );
    assert_eq!(
        std::fs::read(author.path("typo/target/typo.wasm")).unwrap(),
        good
    );
}

#[test]
fn a_plugin_that_panics_says_where() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "shaky", "--lang", "rust", "--hook", "pre"]);
    let source = std::fs::read_to_string(author.path("shaky/src/lib.rs")).unwrap();
    let panics = source.replace(
        "        if params.texts()",
        "        if params.texts().iter().any(|text| text == \"boom\") {\n            panic!(\"as asked\");\n        }\n        if params.texts()",
    );
    assert_ne!(panics, source);
    author.write("shaky/src/lib.rs", &panics);
    let built = author.sandgate(&["plugin", "build", "shaky"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let ran = author.sandgate(&[
        "plugin",
        "run",
        "shaky/target/shaky.wasm",
        "--params",
        r#"{"name":"shell","arguments":{"x":"boom"}}"#,
    ]);
    assert_eq!(ran.code, Some(20), "{ran:?}");
    let line = panics
        .lines()
        .position(|line| line.contains("panic!(\"as asked\")"))
        .unwrap()
        + 1;
    assert!(
        ran.out
            .contains(&format!("crashed: panic\n    at src/lib.rs:{line}\n")),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("    as asked\n"), "{}", ran.out);
}
