//! The order of ARCHITECTURE.md: of crates, held against the manifests, and of modules, held against the source. Nothing
//! runs back up, and strangers stay strangers.
#![allow(clippy::unwrap_used)]

mod map;
mod modules;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Who may depend on whom, of our own crates, in what is shipped.
const FLOORS: &[(&str, &[&str])] = &[
    ("sandgate-text", &[]),
    ("sandgate-message", &[]),
    ("sandgate-pipeline", &["sandgate-message"]),
    ("sandgate-address", &[]),
    ("sandgate-fetch", &["sandgate-address"]),
    (
        "sandgate-host",
        &["sandgate-address", "sandgate-message", "sandgate-text"],
    ),
    ("sandgate-contain", &[]),
    ("sandgate-secrets", &["sandgate-fetch"]),
    (
        "sandgate-egress",
        &["sandgate-address", "sandgate-fetch", "sandgate-secrets"],
    ),
    (
        "sandgate-issuer",
        &["sandgate-address", "sandgate-fetch", "sandgate-message"],
    ),
    ("sandgate-wire", &["sandgate-message", "sandgate-text"]),
    (
        "sandgate-access",
        &[
            "sandgate-admission",
            "sandgate-issuer",
            "sandgate-message",
            "sandgate-observe",
            "sandgate-wire",
        ],
    ),
    (
        "sandgate-upstream",
        &[
            "sandgate-contain",
            "sandgate-egress",
            "sandgate-issuer",
            "sandgate-message",
            "sandgate-secrets",
            "sandgate-wire",
        ],
    ),
    (
        "sandgate-observe",
        &["sandgate-message", "sandgate-pipeline", "sandgate-wire"],
    ),
    ("sandgate-admission", &["sandgate-message", "sandgate-wire"]),
    (
        "sandgate-gateway",
        &[
            "sandgate-access",
            "sandgate-admission",
            "sandgate-issuer",
            "sandgate-message",
            "sandgate-observe",
            "sandgate-pipeline",
            "sandgate-secrets",
            "sandgate-text",
            "sandgate-upstream",
            "sandgate-wire",
        ],
    ),
    ("sandgate-detect", &[]),
    ("sandgate-audit", &["sandgate-text"]),
    (
        "sandgate-config",
        &[
            "sandgate-address",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-text",
        ],
    ),
    ("sandgate-import", &["sandgate-config", "sandgate-text"]),
    ("sandgate-signature", &["sandgate-text"]),
    (
        "sandgate-supply",
        &[
            "sandgate-address",
            "sandgate-config",
            "sandgate-contain",
            "sandgate-fetch",
            "sandgate-signature",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-catalog",
        &[
            "sandgate-address",
            "sandgate-config",
            "sandgate-detect",
            "sandgate-fetch",
            "sandgate-import",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-telemetry",
        &[
            "sandgate-audit",
            "sandgate-config",
            "sandgate-egress",
            "sandgate-gateway",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-alerts",
        &[
            "sandgate-config",
            "sandgate-egress",
            "sandgate-gateway",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-telemetry",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-assembly",
        &[
            "sandgate-config",
            "sandgate-contain",
            "sandgate-egress",
            "sandgate-embed",
            "sandgate-gateway",
            "sandgate-host",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-secrets",
            "sandgate-supply",
        ],
    ),
    (
        "sandgate-recording",
        &[
            "sandgate-assembly",
            "sandgate-config",
            "sandgate-detect",
            "sandgate-gateway",
            "sandgate-host",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-daemon",
        &[
            "sandgate-alerts",
            "sandgate-assembly",
            "sandgate-config",
            "sandgate-egress",
            "sandgate-gateway",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-recording",
            "sandgate-telemetry",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-console",
        &[
            "sandgate-config",
            "sandgate-daemon",
            "sandgate-gateway",
            "sandgate-pipeline",
            "sandgate-telemetry",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-drill",
        &[
            "sandgate-config",
            "sandgate-daemon",
            "sandgate-detect",
            "sandgate-gateway",
            "sandgate-pipeline",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-authoring",
        &[
            "sandgate-assembly",
            "sandgate-config",
            "sandgate-daemon",
            "sandgate-embed",
            "sandgate-gateway",
            "sandgate-host",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-recording",
            "sandgate-text",
        ],
    ),
    (
        "sandgate-demo",
        &[
            "sandgate-assembly",
            "sandgate-config",
            "sandgate-daemon",
            "sandgate-import",
            "sandgate-message",
            "sandgate-pipeline",
            "support-desk",
        ],
    ),
    (
        "sandgate",
        &[
            "sandgate-address",
            "sandgate-alerts",
            "sandgate-assembly",
            "sandgate-audit",
            "sandgate-authoring",
            "sandgate-catalog",
            "sandgate-config",
            "sandgate-console",
            "sandgate-contain",
            "sandgate-daemon",
            "sandgate-demo",
            "sandgate-drill",
            "sandgate-egress",
            "sandgate-gateway",
            "sandgate-import",
            "sandgate-message",
            "sandgate-pipeline",
            "sandgate-recording",
            "sandgate-secrets",
            "sandgate-supply",
            "sandgate-telemetry",
            "sandgate-text",
            "tool-pins",
        ],
    ),
    ("sandgate-sdk", &[]),
    ("sandgate-embed", &[]),
    ("support-desk", &[]),
    ("list-kind", &[]),
    ("allow-tools", &["list-kind", "sandgate-sdk"]),
    ("schema-interpreter", &[]),
    (
        "argument-validator",
        &["sandgate-sdk", "schema-interpreter"],
    ),
    ("flow-guard", &["sandgate-detect", "sandgate-sdk"]),
    ("injection-classifier", &["sandgate-detect", "sandgate-sdk"]),
    ("model-bridge", &["sandgate-sdk"]),
    ("pii-scrubber", &["sandgate-detect", "sandgate-sdk"]),
    ("rate-limit", &["sandgate-sdk"]),
    ("secret-redactor", &["sandgate-detect", "sandgate-sdk"]),
    (
        "tool-guard",
        &["list-kind", "sandgate-detect", "sandgate-sdk"],
    ),
    (
        "tool-pins",
        &["list-kind", "sandgate-detect", "sandgate-sdk"],
    ),
];

/// Third-party crates that only one floor may know.
const ONLY: &[(&str, &[&str])] = &[
    ("wasmtime", &["sandgate-host"]),
    ("httparse", &["sandgate-egress"]),
    ("rustls-webpki", &["sandgate-signature"]),
    ("landlock", &["sandgate-contain"]),
    ("seccompiler", &["sandgate-contain"]),
    ("saphyr-parser", &["sandgate-catalog"]),
    (
        "hyper",
        &[
            "sandgate-console",
            "sandgate-drill",
            "sandgate-egress",
            "sandgate-fetch",
            "sandgate-gateway",
            "sandgate-host",
            "sandgate-telemetry",
            "sandgate-upstream",
            "sandgate-wire",
            "support-desk",
            "sandgate-tests",
        ],
    ),
    (
        "tokio",
        &[
            "sandgate-admission",
            "sandgate-catalog",
            "sandgate-egress",
            "sandgate-fetch",
            "sandgate-gateway",
            "sandgate-host",
            "sandgate-issuer",
            "sandgate-observe",
            "sandgate-secrets",
            "sandgate-supply",
            "sandgate-telemetry",
            "sandgate-upstream",
            "sandgate-wire",
            "sandgate-alerts",
            "sandgate-assembly",
            "sandgate-recording",
            "sandgate-daemon",
            "sandgate-console",
            "sandgate-drill",
            "sandgate-authoring",
            "sandgate-demo",
            "sandgate",
            "support-desk",
            "sandgate-tests",
        ],
    ),
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let shipped = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"] != "dev")
            .map(name)
            .collect()
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (name(package), shipped(package)))
        .collect()
}

#[test]
fn dependencies_run_down_the_floors() {
    let all = dependencies();
    for (floor, below) in FLOORS {
        let known = all
            .get(*floor)
            .unwrap_or_else(|| panic!("there is no {floor}"));
        for dependency in known.iter().filter(|name| all.contains_key(*name)) {
            assert!(
                below.contains(&dependency.as_str()),
                "{floor} depends on {dependency}, which is not below it"
            );
        }
    }
    for name in all
        .keys()
        .filter(|name| !name.starts_with("sandgate-tests"))
    {
        let listed = FLOORS.iter().any(|(floor, _)| floor == name);
        assert!(
            listed || name == "sandgate-guests" || name == "sandgate-zoo",
            "{name} stands on no floor: list it here and in ARCHITECTURE.md"
        );
    }
}

#[test]
fn what_belongs_to_one_floor_is_known_to_that_floor_alone() {
    let all = dependencies();
    for (library, floors) in ONLY {
        for (name, _) in all
            .iter()
            .filter(|(_, known)| known.iter().any(|known| known == library))
        {
            assert!(
                floors.contains(&name.as_str()),
                "{name} depends on {library}"
            );
        }
    }
}

#[test]
fn modules_import_each_other_in_one_order() {
    for name in [
        "text",
        "message",
        "address",
        "fetch",
        "pipeline",
        "host",
        "contain",
        "secrets",
        "egress",
        "issuer",
        "wire",
        "observe",
        "admission",
        "access",
        "upstream",
        "gateway",
        "audit",
        "config",
        "import",
        "signature",
        "supply",
        "catalog",
        "alerts",
        "assembly",
        "recording",
        "daemon",
        "console",
        "drill",
        "authoring",
        "demo",
        "cli",
    ] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../runtime/{name}/src"));
        let circles = modules::circles(&source);
        assert!(
            circles.is_empty(),
            "{name}: these modules import each other in a circle: {circles:#?}"
        );
    }
}

#[test]
fn a_circle_of_modules_is_found_through_a_re_export() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod low;\nmod high;\npub use high::High;\n");
    write("low.rs", "pub struct Low;\n");
    write("high.rs", "use crate::low::Low;\npub struct High(Low);\n");
    assert_eq!(modules::circles(folder.path()), Vec::<Vec<String>>::new());
    write("low.rs", "use crate::{High, other};\npub struct Low;\n");
    assert_eq!(modules::circles(folder.path()), [["high", "low"]]);
    write("low.rs", "fn low() { super::high::High; }\n");
    assert_eq!(modules::circles(folder.path()), [["high", "low"]]);
    // A test may use what the module itself must not, and a comment may name it.
    let text = "/// As `crate::High`.\npub struct Low;\n#[cfg(test)]\nmod tests {\n    use crate::High;\n}\n";
    write("low.rs", text);
    assert_eq!(modules::circles(folder.path()), Vec::<Vec<String>>::new());
}
