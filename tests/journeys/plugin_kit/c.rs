//! C: new, test, run, live; and the kept bindings.

use std::path::Path;

use serde_json::Value;
use wit_bindgen_core::Files;
use wit_parser::{PackageId, Resolve};

use crate::plugin_kit::author::{Author, call, gateway, telling_server};

#[test]
fn from_nothing_to_a_call_that_a_c_plugin_changed() {
    let author = Author::new();
    let made = author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let tested = author.sandgate(&["plugin", "test", "mask-email"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.out.contains("4 passed, 0 failed"), "{}", tested.out);

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

    let plugin = author.path("mask-email/target/mask-email.wasm");
    let inspected = author.sandgate(&["plugin", "inspect", plugin.to_str().unwrap(), "--json"]);
    let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
    assert_eq!(inspected["language"], "C");
    assert_eq!(inspected["sdk"]["version"], env!("CARGO_PKG_VERSION"));

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
fn an_error_in_c_says_its_file_and_line_and_so_does_a_failed_assertion() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "shaky", "--lang", "c", "--hook", "pre"]);
    author.write(
        "shaky/src/plugin.c",
        "#include <assert.h>\n#include \"sandgate.h\"\nsandgate_decision sandgate_pre_call(sandgate_context context, \
         sandgate_document params) {\n    (void)context;\n    assert(!sandgate_texts_contain(params, \"boom\"));\n    \
         return sandgate_texts_contain(params, \"odd\")\n        ? sandgate_error(\"too odd\") : sandgate_proceed();\n}\n",
    );
    let built = author.sandgate(&["plugin", "build", "shaky"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let run = |text: &str| {
        let params = format!(r#"{{"name":"x","arguments":{{"a":"{text}"}}}}"#);
        author.sandgate(&[
            "plugin",
            "run",
            "shaky/target/shaky.wasm",
            "--params",
            &params,
        ])
    };
    let own = run("odd");
    assert_eq!(own.code, Some(20), "{own:?}");
    let told = "own: error\n    at src/plugin.c:7 in sandgate_pre_call\n    too odd\n";
    assert!(own.out.contains(told), "{}", own.out);
    let failed = run("boom");
    assert_eq!(failed.code, Some(20), "{failed:?}");
    let told = "crashed: assertion\n    at src/plugin.c:5 in sandgate_pre_call\n    !sandgate_texts_contain(params, \"boom\")\n";
    assert!(failed.out.contains(told), "{}", failed.out);
    assert_eq!(run("even").code, Some(0));
}

#[test]
fn regenerating_the_bindings_of_the_c_sdk_changes_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut resolve = Resolve::default();
    let (contract, _) = resolve.push_dir(root.join("wit")).unwrap();
    regenerated(&root, resolve, contract, "interceptor");

    // Of WASI, what the Python SDK keeps of it.
    let mut resolve = Resolve::default();
    let wasi = root.join("sdk/python/sandgate/wit/deps");
    for package in ["io", "clocks", "http"] {
        resolve.push_dir(wasi.join(package)).unwrap();
    }
    let world = resolve.push_path(root.join("sdk/c/http.wit")).unwrap().0;
    regenerated(&root, resolve, world, "wasi-http");
}

fn regenerated(root: &Path, mut resolve: Resolve, package: PackageId, world: &str) {
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut files = Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut resolve, world, &mut files).unwrap();
    let mut seen = 0;
    for (name, content) in files.iter() {
        let kept = root.join("sdk/c").join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&kept, content).unwrap();
        }
        assert!(
            std::fs::read(&kept).is_ok_and(|kept| kept == content),
            "{name} differs; BLESS=1 writes it anew"
        );
        seen += 1;
    }
    assert_eq!(seen, 3);
}
