//! A contained server that may reach some hosts: what it reaches, and what the operator is told of it.
#![cfg(target_os = "linux")]

use std::path::PathBuf;

use harness::{Era, Gateway, Speaker, TlsHost, open_to_all, system_python};
use serde_json::{Value, json};

const SERVER: &str = include_str!("../../attacks/escapes/hostile.py");
/// What a server does of which it is asked.
const REACHED: &str = "done";

struct Stage {
    _folder: tempfile::TempDir,
    script: PathBuf,
    host: TlsHost,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("server");
        std::fs::create_dir(&script).unwrap();
        std::fs::write(script.join("server.py"), SERVER).unwrap();
        let script = open_to_all(&script);
        Self {
            _folder: folder,
            script,
            host: TlsHost::start(),
        }
    }

    fn config(&self, egress: &str) -> String {
        let (python, script) = (system_python(), self.script.join("server.py"));
        let port = self.host.port.to_string();
        format!(
            "[servers.web]\ncommand = {python:?}\nargs = [{script:?}]\n\
             contain = {{ read = [{:?}] }}\negress = {}\n",
            self.script,
            egress.replace("PORT", &port)
        )
    }
}

fn attempt(gateway: &Gateway, arguments: &Value) -> (String, String) {
    let session = Speaker::open(&gateway.mcp("web"), Era::Legacy);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "try", "arguments": arguments } });
    let replies = session.say(call.to_string().as_bytes());
    let reply: Value = serde_json::from_slice(replies.last().unwrap()).unwrap();
    session.end();
    let why = gateway.command(&["why", "--last"]).output;
    let said = reply["result"]["content"][0]["text"].as_str();
    (said.unwrap_or_else(|| panic!("{reply}")).to_owned(), why)
}

fn fetch(host: &str, port: u16) -> Value {
    json!({ "attempt": "fetch", "url": format!("https://{host}:{port}/") })
}

/// Wakes somebody where a host is not listed. Nobody listens: whether it would is in the call log.
const WAKES: &str = "[[alerts]]\nname = \"leaks\"\non = [\"egress\"]\nrule = \"host-*\"\nwithin = \"1h\"\n\
                     to = { syslog = \"udp://127.0.0.1:9\" }\n";

fn records(gateway: &Gateway) -> Vec<Value> {
    of_kind(gateway, "egress-")
}

/// The records of the call log whose kind begins so.
fn of_kind(gateway: &Gateway, kind: &str) -> Vec<Value> {
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let made = |one: &Value| one["record"].as_str().unwrap().starts_with(kind);
    lines.filter(made).collect()
}

#[test]
fn what_a_server_reached_and_was_refused_is_told_everywhere() {
    let stage = Stage::new();
    let config = format!(
        "[telemetry]\nmetrics = \"127.0.0.1:0\"\n[call-log]\nto = \"calls.jsonl\"\n{}{WAKES}",
        stage.config("[\"private:localhost:PORT\"]")
    );
    let gateway = Gateway::start_unprivileged(&config);
    let port = stage.host.port;

    let (said, why) = attempt(&gateway, &fetch("localhost", port));
    assert_eq!(said, REACHED, "{}", gateway.log());
    let made = format!("allowed  localhost:{port} at 127.0.0.1");
    assert!(
        why.contains("connections of web that were open during the call"),
        "{why}"
    );
    assert!(why.contains(&made), "{why}");
    assert_eq!(stage.host.answered(), 1);

    let (said, why) = attempt(&gateway, &fetch("evil.example", 443));
    assert!(said.contains("403"), "{said}");
    let refused = "refused  evil.example:443: the host is not on the server's list";
    assert!(why.contains(refused), "{why}");
    assert!(
        !why.contains(&made),
        "only what was open during the call: {why}"
    );

    let head = format!("CONNECT localhost:{port} HTTP/1.1");
    let other = json!({ "attempt": "by_proxy", "head": head, "tls": "evil.example" });
    let (said, why) = attempt(&gateway, &other);
    assert!(said.contains("UNRECOGNIZED_NAME"), "{said}");
    assert!(
        why.contains("names another host than CONNECT (evil.example)"),
        "{why}"
    );
    assert_eq!(stage.host.answered(), 1, "nothing else reached the host");

    // Of three connections one was refused for its host: that wakes somebody, once.
    let woken = of_kind(&gateway, "alert");
    assert_eq!(woken.len(), 1, "{woken:#?}");
    assert_eq!(
        (&woken[0]["alert"], &woken[0]["subject"]),
        (&json!("leaks"), &json!("web"))
    );
    assert_eq!(woken[0]["code"], "host-not-listed");

    let records = records(&gateway);
    let kinds: Vec<_> = records
        .iter()
        .map(|one| {
            (
                one["record"].as_str().unwrap(),
                one["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("egress-opened", "allowed"),
            ("egress-ended", "allowed"),
            ("egress-ended", "refused"),
            ("egress-ended", "refused"),
        ]
    );
    assert_eq!(records[0]["id"], records[1]["id"]);
    assert_eq!(records[1]["server"], "web");
    assert_eq!(records[1]["host"], "localhost");
    assert_eq!(records[1]["port"], port);
    assert_eq!(records[1]["address"], "127.0.0.1");
    assert!(
        records[1]["up_bytes"].as_u64() > Some(100),
        "{}",
        records[1]
    );
    assert!(
        records[1]["down_bytes"].as_u64() > Some(100),
        "{}",
        records[1]
    );
    assert_eq!(records[2]["reason"], "host-not-listed");
    assert_eq!(
        (&records[3]["reason"], &records[3]["sni"]),
        (&json!("sni-mismatch"), &json!("evil.example"))
    );

    let status = gateway.command(&["status"]).output;
    let counts =
        format!("web reaches private:localhost:{port}: 1 connections allowed, 2 refused, 0 failed");
    assert!(status.contains(&counts), "{status}");
    let shown = gateway.command(&["egress", "web"]).output;
    assert!(
        shown.contains(&format!("egress = [\"private:localhost:{port}\"]")),
        "{shown}"
    );
    assert!(
        shown.contains("evil.example:443") && shown.contains("host-not-listed"),
        "{shown}"
    );
    let gone = gateway.command(&["egress", "web", "--since", "1ms"]).output;
    assert!(gone.contains("No connection of web is known"), "{gone}");
    let log = gateway.log();
    let url = log
        .split_whitespace()
        .find(|word| word.ends_with("/metrics"));
    let page = harness::request("GET", url.expect("no metrics"), &[], b"");
    let page = String::from_utf8(page.body()).unwrap();
    for line in [
        "sandgate_egress_connections_total{server=\"web\",verdict=\"allowed\"} 1",
        "sandgate_egress_connections_total{server=\"web\",verdict=\"refused\"} 2",
    ] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
    assert!(!page.contains("evil.example"), "a host is no label");
    assert!(
        log.contains("a connection to evil.example:443 is refused"),
        "{log}"
    );
}

#[test]
fn an_audit_lets_public_hosts_alone_through_and_says_so() {
    let stage = Stage::new();
    let until = humantime::format_rfc3339_seconds(
        std::time::SystemTime::now() + std::time::Duration::from_secs(600),
    );
    let audit = format!("{{ audit-until = \"{until}\" }}");
    let gateway = Gateway::start_unprivileged(&stage.config(&audit));
    // No public host is there to be reached, and what lies within is refused all the same.
    for host in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "localhost"] {
        let head = format!("CONNECT {host}:{} HTTP/1.1", stage.host.port);
        let asked = json!({ "attempt": "by_proxy", "head": head, "tls": "localhost" });
        let (said, _) = attempt(&gateway, &asked);
        assert_eq!(said, "403 private-address", "{host}");
    }
    assert_eq!(stage.host.answered(), 0);
    let status = gateway.command(&["status"]).output;
    let words = format!("web: AUDIT, every public host is let through until {until}");
    assert!(status.contains(&words), "{status}");
    let shown = gateway.command(&["egress", "web"]).output;
    assert!(shown.contains("private-address"), "{shown}");
    let file = gateway.config_file().display().to_string();
    let check = gateway.command(&["check", "--strict", "--config", &file]);
    assert_eq!(check.code, Some(1), "{check:?}");
    assert!(
        check.output.contains("EVERY PUBLIC HOST until"),
        "{check:?}"
    );
    assert!(
        check.log.contains("the server reaches every public host"),
        "{check:?}"
    );
}
