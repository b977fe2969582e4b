//! Each key of the file, changed once while the gateway runs: it is in force, or it is said that it is not.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use harness::{Gateway, Save};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use toml::Table;

use crate::operator::own_log::modern;
use crate::operator::stage::Stage;

/// What becomes of a changed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    /// The reload names it among what changed.
    InForce,
    /// The reload names it among what waits for the next start.
    Waits,
}
use Becomes::{InForce, Waits};

/// Every key of the three tables, another value than the base's, and what becomes of it.
fn tables() -> Vec<(&'static str, Value, Becomes)> {
    vec![
        ("gateway.listen", json!("127.0.0.1:1"), Waits),
        ("gateway.allowed-hosts", json!(["mcp.example.com"]), Waits),
        ("gateway.allow-unauthenticated", json!(true), InForce),
        (
            "gateway.tls",
            json!({ "cert": "chain.pem", "key": "key.pem" }),
            InForce,
        ),
        (
            "gateway.public-url",
            json!("https://mcp.example.com"),
            Waits,
        ),
        (
            "gateway.allowed-origins",
            json!(["https://app.example.com"]),
            Waits,
        ),
        ("gateway.trusted-proxies", json!(["10.0.0.0/8"]), Waits),
        ("gateway.refusal", json!("error"), InForce),
        ("gateway.known-methods", json!(["x-acme/*"]), InForce),
        ("gateway.watch", json!(true), Waits),
        ("gateway.state", json!("state.redb"), Waits),
        ("gateway.cache", json!("cache"), Waits),
        ("gateway.admin", json!("none"), Waits),
        ("gateway.not-ready-when", json!(["log"]), InForce),
        ("gateway.why-values", json!(true), InForce),
        // Where every program is contained.
        ("gateway.require-containment", json!(true), InForce),
        // It has no plugin of a file.
        ("gateway.require-lock", json!(true), InForce),
        // It has no image.
        ("gateway.require-signatures", json!(true), InForce),
        ("gateway.workers", json!(3), Waits),
        ("gateway.limits.max-body", json!("1MiB"), Waits),
        ("gateway.limits.max-depth", json!(9), Waits),
        ("gateway.limits.max-connections", json!(9), Waits),
        ("gateway.merged-era", json!("legacy"), Waits),
        ("gateway.limits.max-streams", json!(9), Waits),
        ("gateway.limits.max-requests", json!(9), Waits),
        ("gateway.limits.max-memory", json!("65MiB"), Waits),
        ("gateway.limits.max-listeners", json!(9), Waits),
        ("gateway.limits.max-sessions", json!(9), Waits),
        ("gateway.limits.max-in-flight", json!(9), Waits),
        ("gateway.limits.header-timeout", json!("9s"), Waits),
        ("gateway.limits.body-timeout", json!("9s"), Waits),
        ("gateway.limits.connection-idle-timeout", json!("9s"), Waits),
        ("gateway.limits.idle-timeout", json!("9s"), Waits),
        ("gateway.limits.drain-timeout", json!("9s"), Waits),
        ("gateway.limits.lame-duck", json!("9s"), Waits),
        ("call-log.to", json!("calls.jsonl"), InForce),
        ("call-log.payloads", json!(true), InForce),
        ("call-log.on-failure", json!("continue"), InForce),
        // Where payloads are recorded.
        ("call-log.hash-key", json!("hash.key"), InForce),
        ("call-log.max-size", json!("9MiB"), InForce),
        ("call-log.max-age", json!("9d"), InForce),
        // Where files are moved away.
        ("call-log.max-files", json!(9), InForce),
        ("call-log.keep", json!("9d"), InForce),
        (
            "call-log.sinks",
            json!([{ "url": "http://127.0.0.1:9/in" }]),
            InForce,
        ),
        ("audit.key", json!("other.key"), Waits),
        ("audit.former-keys", json!(["a+b+c"]), Waits),
        ("audit.every", json!("9s"), Waits),
        ("audit.anchor", json!("anchor"), Waits),
        ("telemetry.metrics", json!("127.0.0.1:0"), Waits),
        ("console.listen", json!("127.0.0.1:0"), Waits),
        ("telemetry.otlp", json!("http://127.0.0.1:2"), Waits),
        ("telemetry.otlp-signals", json!(["logs"]), Waits),
        ("telemetry.otlp-headers", json!({ "x-key": "9" }), Waits),
        ("telemetry.otlp-interval", json!("9s"), Waits),
        ("telemetry.sample", json!("9%"), Waits),
        (
            "telemetry.resource",
            json!({ "service.name": "nine" }),
            Waits,
        ),
        ("clients.ada.token-sha256", json!("22".repeat(32)), InForce),
        (
            "clients.ada.groups",
            json!(["team", "ops", "support"]),
            InForce,
        ),
        // Where clients are asked for certificates.
        ("clients.ada.certificate", json!("ada@example.com"), InForce),
        ("clients.ada.rate", json!("9/s"), InForce),
        (
            "clients.ada.previous",
            json!({ "token-sha256": "33".repeat(32), "until": "2100-01-01T00:00:00Z" }),
            InForce,
        ),
        (
            "authorization.resource",
            json!("https://other.example.com"),
            InForce,
        ),
        ("authorization.claims", json!(["department"]), InForce),
        (
            "authorization.issuers",
            json!([{ "issuer": "https://other.example.com" }]),
            InForce,
        ),
        (
            "authorization.scopes",
            json!({ "baseline": ["mcp"] }),
            InForce,
        ),
        ("views.desk.clients", json!(["ada"]), InForce),
        ("views.desk.groups", json!(["ops"]), InForce),
        ("views.desk.allow", json!(["desk/look*"]), InForce),
        ("views.desk.deny", json!(["desk/drop*"]), InForce),
        ("views.desk.rate", json!("9/s"), InForce),
        ("servers.program.command", json!("false"), InForce),
        ("servers.program.args", json!(["x"]), InForce),
        ("servers.program.env", json!({ "X": "y" }), InForce),
        ("servers.program.cwd", json!("."), InForce),
        ("servers.program.contain", json!(true), InForce),
        // Where the program is contained.
        (
            "servers.program.egress",
            json!(["api.example.com"]),
            InForce,
        ),
        // Where the program is contained.
        (
            "servers.program.secrets",
            json!({ "KEY": { "from-command": ["echo", "one-of-many-values"], "give": "file" } }),
            InForce,
        ),
        ("servers.program.connect-timeout", json!("9s"), InForce),
        ("servers.program.start-timeout", json!("9s"), InForce),
        ("servers.program.list-timeout", json!("9s"), InForce),
        ("servers.program.request-timeout", json!("9s"), InForce),
        ("servers.program.max-concurrent", json!(9), InForce),
        ("servers.program.max-children", json!(9), InForce),
        ("servers.program.share", json!("principal"), InForce),
        (
            "servers.program.catalog",
            json!({ "name": "company", "entry": "program" }),
            InForce,
        ),
        ("servers.desk.url", json!("http://127.0.0.1:9/mcp"), InForce),
        ("servers.desk.headers", json!({ "X-A": "b" }), InForce),
        ("servers.desk.keep-alive", json!("9s"), InForce),
        ("servers.desk.ca", json!("chain.pem"), InForce),
        ("servers.desk.forward-trace-state", json!(true), InForce),
        (
            "servers.desk.exchange",
            json!({ "token-endpoint": "https://id.example.com/token", "client-id": "g", "client-secret": "s",
                "audience": "desk" }),
            InForce,
        ),
        // Where there are no clients.
        ("servers.desk.forward-authorization", json!(true), InForce),
    ]
}

const REST: &str = r#"
[servers.program]
command = "true"

[clients.ada]
token-sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
groups = ["team", "ops"]

[authorization]
resource = "https://mcp.example.com"
[[authorization.issuers]]
issuer = "http://127.0.0.1:9"
loopback-http = true

[views.desk]
groups = ["team"]
allow = ["desk/*"]

[telemetry]
otlp = "http://127.0.0.1:1"
"#;

#[test]
fn each_changed_key_is_in_force_or_named_among_those_that_are_not() {
    let stage = Stage::new();
    let proof = tempfile::tempdir().unwrap();
    let proof = proof.path();
    let made = Command::new(harness::sandgate())
        .args(["audit", "key"])
        .arg(proof.join("key"))
        .output();
    assert!(made.unwrap().status.success());
    let audit = format!(
        "[call-log]\nto = \"{0}/log\"\n[audit]\nkey = \"{0}/key\"\n",
        proof.display()
    );
    let gateway = Gateway::start(&stage.config("", &format!("{REST}{audit}")));
    let folder = gateway.config_file().parent().unwrap().to_owned();
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let made = made.self_signed(&key).unwrap();
    std::fs::write(folder.join("chain.pem"), made.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let made = Command::new(harness::sandgate())
        .args(["audit", "key", "--hash"])
        .arg(folder.join("hash.key"))
        .output();
    assert!(made.unwrap().status.success());
    let socket = socket(&folder);
    let base: Table = std::fs::read_to_string(gateway.config_file())
        .unwrap()
        .parse()
        .unwrap();

    for (path, value, becomes) in tables() {
        let mut changed = base.clone();
        if path.ends_with("require-containment") {
            changed["servers"].as_table_mut().unwrap().remove("program");
        }
        if path.ends_with(".certificate") {
            let tls = json!({ "cert": "chain.pem", "key": "key.pem", "client-ca": "chain.pem" });
            set(&mut changed, "gateway.tls", &tls);
        }
        if path.ends_with("hash-key") {
            set(&mut changed, "call-log.payloads", &json!(true));
        }
        if path.ends_with("max-files") || path.ends_with(".keep") {
            set(&mut changed, "call-log.max-age", &json!("1d"));
        }
        if path.ends_with(".egress") || path.ends_with(".secrets") {
            set(&mut changed, "servers.program.contain", &json!(true));
        }
        if path.ends_with("forward-authorization") {
            for table in ["clients", "views", "authorization"] {
                changed.remove(table);
            }
        }
        set(&mut changed, path, &value);
        Save::RenameOver.write(&gateway.config_file(), changed.to_string().as_bytes());
        let told = ask(&socket, "reload");
        assert_eq!(told["error"], Value::Null, "{path}: {told}");
        let (table, key) = path.rsplit_once('.').unwrap();
        let waits: Vec<&str> = texts(&told["needs_restart"]);
        let expected = match becomes {
            Waits => vec![path],
            InForce => Vec::new(),
        };
        assert_eq!(waits, expected, "{path}: {told}");
        assert_eq!(told["at_next_start"], becomes == Waits, "{path}: {told}");
        if becomes == InForce {
            let name = match table.rsplit_once('.') {
                Some((_, name)) => name.to_owned(),
                None => format!("[{table}]"),
            };
            let changes = told["changes"].as_array().unwrap();
            let named = changes.iter().any(|change| {
                let how = change["how"].as_str().unwrap();
                let keys = how.trim_start_matches("changed (").trim_end_matches(')');
                change["name"] == name && keys.split(", ").any(|one| one == key)
            });
            assert!(named, "{path}: {told}");
        } else {
            let shown = ask(&socket, "status");
            assert_eq!(texts(&shown["needs_restart"]), [path]);
        }
        Save::RenameOver.write(&gateway.config_file(), base.to_string().as_bytes());
        let told = ask(&socket, "reload");
        assert_eq!(told["needs_restart"], json!([]), "{path}: {told}");
    }

    // The command line says it, too.
    let mut changed = base.clone();
    set(&mut changed, "gateway.workers", &json!(3));
    Save::RenameOver.write(&gateway.config_file(), changed.to_string().as_bytes());
    let shown = gateway.command(&["reload"]);
    assert_eq!(
        shown.log,
        "not in force before the next start: gateway.workers\n"
    );
    assert!(shown.output.contains("nothing else differs"), "{shown:?}");
    let shown = gateway.command(&["status"]).output;
    assert!(
        shown.contains("at next start  gateway.workers\n"),
        "{shown}"
    );
}

#[test]
fn the_call_log_goes_where_a_reload_says() {
    let stage = Stage::new();
    let policy = "[call-log]\nto = \"/dev/full\"\n";
    let gateway = Gateway::start(&stage.config("", policy));
    let reload = |log: &str| {
        let text = stage.config("", log);
        Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
        gateway.command(&["reload"])
    };
    assert!(modern(&gateway)["error"].is_object());
    let shown = reload("[call-log]\nto = \"/dev/full\"\non-failure = \"continue\"\n");
    assert!(
        shown
            .output
            .contains("table [call-log]: changed (on-failure)"),
        "{shown:?}"
    );
    assert!(modern(&gateway)["result"].is_object());
    assert_eq!(gateway.readiness()["ready"], true);

    // What cannot be opened changes nothing.
    assert_eq!(
        reload("[call-log]\nto = \"nowhere/calls.jsonl\"\n").code,
        Some(1)
    );
    assert!(modern(&gateway)["result"].is_object());

    let shown = reload("[call-log]\nto = \"calls.jsonl\"\npayloads = true\n");
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(modern(&gateway)["result"].is_object());
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.starts_with("{\"record\":\"gap\""), "{log}");
    assert!(log.contains("\"params\":{"), "{log}");
}

#[test]
fn no_key_is_forgotten() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", ""));
    let schema: Value = serde_json::from_str(&gateway.command(&["schema"]).output).unwrap();
    let of = |definition: &str| -> Vec<String> {
        let members = schema["$defs"][definition]["properties"].as_object();
        members.unwrap().keys().cloned().collect()
    };
    let mut there: Vec<String> = Vec::new();
    for (table, definition) in [
        ("gateway", "Gateway"),
        ("gateway.limits", "Limits"),
        ("call-log", "CallLog"),
        ("audit", "Audit"),
        ("telemetry", "Telemetry"),
        ("console", "Console"),
        ("clients", "Client"),
        ("authorization", "Authorization"),
        ("views", "View"),
        ("servers", "Server"),
    ] {
        let keys = of(definition)
            .into_iter()
            .map(|key| format!("{table}.{key}"));
        // Behind a package or an image is a lock: the journeys of `supply` change it.
        let apart = [
            "gateway.limits",
            "servers.package",
            "servers.bin",
            "servers.image",
            "servers.signed-by",
        ];
        there.extend(keys.filter(|key| !apart.contains(&key.as_str())));
    }
    let mut changed: Vec<String> = tables()
        .iter()
        .map(|(path, ..)| {
            path.replace(".ada.", ".")
                .replace(".program.", ".")
                .replace(".desk.", ".")
        })
        .collect();
    for keys in [&mut there, &mut changed] {
        keys.sort();
        keys.dedup();
    }
    assert_eq!(there, changed);
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

fn set(table: &mut Table, path: &str, value: &Value) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    if rest.is_empty() {
        let value = toml::Value::try_from(value).unwrap();
        table.insert(first.to_owned(), value);
        return;
    }
    let inner = table.entry(first).or_insert_with(|| Table::new().into());
    set(inner.as_table_mut().unwrap(), rest, value);
}

/// The gateway's admin socket: the only one in its folder.
fn socket(folder: &Path) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if entry.file_type().unwrap().is_socket() {
                return path;
            }
        }
    }
    panic!("there is no socket")
}

/// Asks without a process for each question.
fn ask(socket: &Path, what: &str) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    let question = json!({ "version": 1, "ask": what });
    stream
        .write_all(format!("{question}\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer: BTreeMap<String, Value> = serde_json::from_str(&answer).unwrap();
    answer["ok"].clone()
}
