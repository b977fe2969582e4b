//! Whatever clients, servers and plugins say, a line of a log is one that the gateway wrote, and no terminal that shows it
//! obeys anything else.

use harness::{Era, FakeServer, Gateway, Script, request};
use serde_json::Value;

use crate::canary::stand::{Format, Left, Stand, loud};
use crate::canary::talk::{Talk, stdio};

/// As a JSON string has it: what looks like a line of the log, and what steers terminals: CR, ESC, CSI, BEL, DEL, NUL.
const FORGED: &str = r"\n2026-01-01T00:00:00.000000Z  INFO sandgate: @ forged\r\n\u001b[2K\u001b]0;x\u0007\u009b1A\u007f\u0000\n";
/// What stands in it, where clients and servers said it.
const PEERS: &str = "ravenH2kD8wQ4m";
/// The same, where plugins did.
const PLUGINS: &str = "magpieB6tF1yN3s";

fn forged(by: &str) -> String {
    FORGED.replace('@', by)
}

/// As bytes that a program prints.
fn printed(by: &str) -> String {
    serde_json::from_str(&format!("\"{}\"", forged(by))).unwrap()
}

/// Says what was said to it back in every way there is.
fn script() -> Script {
    let forged = forged(PEERS);
    let notification = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/{forged}","params":{{"{forged}":"{forged}"}}}}"#
    );
    let updated = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{forged}"}}}}"#
    );
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;
    let fails =
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"error":{{"code":-32000,"message":"{forged}"}}}}"#);
    let stray = format!(r#"{{"jsonrpc":"2.0","id":"{forged}","result":{{}}}}"#);
    let garbage = format!("{} {{not}} JSON", forged.replace('\\', "\u{9b}"));
    Script::new()
        .on("\"fails\"", &[&fails])
        .on("\"babbles\"", &[&garbage, &stray, fine])
        .on("\"speaks\"", &[&notification, &updated, fine])
}

/// Prints to stderr what it could forge lines with, then serves by the script.
fn child(folder: &std::path::Path) -> String {
    std::fs::write(folder.join("script.json"), script().to_json()).unwrap();
    std::fs::write(folder.join("words"), printed(PEERS)).unwrap();
    let line = format!(
        "cat {}/words >&2; exec {} {}",
        folder.display(),
        harness::binary("fake-server").display(),
        folder.display()
    );
    format!("[servers.child]\ncommand = \"sh\"\nargs = [\"-c\", {line:?}]\n\n")
}

fn interceptors(stand: &Stand) -> String {
    let detailed = |guest: &str| {
        let more = format!("targets = [\"{guest}\"]\nfault-detail = true");
        stand.guest(guest, guest, &more)
    };
    ["own-error", "panics", "floods-the-log"]
        .map(detailed)
        .concat()
        + &stand.guest("noop", "noop", "")
}

fn speak(talk: &mut Talk) {
    let (peers, plugins) = (forged(PEERS), forged(PLUGINS));
    let odd = format!("{peers}/method");
    talk.greet(&peers, &peers);
    // What a plugin repeats has line ends as it is: between the tokens of JSON.
    let calls = [
        (
            "tools/call",
            format!(r#"{{"name":"{peers}","arguments":{{"{peers}":"{peers}"}}}}"#),
        ),
        ("resources/read", format!(r#"{{"uri":"{peers}"}}"#)),
        ("prompts/get", format!(r#"{{"name":"{peers}"}}"#)),
        (
            "tools/call",
            r#"{"name":"fails","arguments":{}}"#.to_owned(),
        ),
        (
            "tools/call",
            r#"{"name":"babbles","arguments":{}}"#.to_owned(),
        ),
        (
            "tools/call",
            r#"{"name":"speaks","arguments":{}}"#.to_owned(),
        ),
        (
            "tools/call",
            format!(
                "{{\"name\":\"own-error\",\"arguments\":{{}},\"misbehave\":[\r\n2026,\"{plugins}\"]}}"
            ),
        ),
        (
            "tools/call",
            format!(
                "{{\"name\":\"panics\",\"arguments\":{{}},\"misbehave\":[\r\n2026,\"{plugins}\"]}}"
            ),
        ),
        (
            "tools/call",
            r#"{"name":"floods-the-log","arguments":{},"misbehave":true}"#.to_owned(),
        ),
        (odd.as_str(), "{}".to_owned()),
    ];
    for (n, (method, params)) in calls.iter().enumerate() {
        // There, the method is a header too, which can have no such name.
        let no_header = matches!(talk, Talk::Http { .. }) && talk.era() == Era::Modern;
        if n + 1 < calls.len() || !no_header {
            talk.ask(&format!("{n}{peers}"), &peers, method, params);
        }
    }
}

/// A text log's lines begin with the time, a JSON log's are objects with a level.
#[track_caller]
fn assert_unforged(left: &Left, format: Format) {
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    for (name, log) in [("the log", &left.log), ("the call log", &left.calls)] {
        let found = log.lines().find(|line| line.contains(strange));
        assert!(found.is_none(), "{name}: {found:?}");
    }
    for line in left.calls.lines() {
        let record: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(record["record"].is_string(), "{line}");
    }
    let forged =
        |line: &&str| line.contains(PEERS) || line.contains(PLUGINS) || line.contains("forged");
    let lines: Vec<&str> = left.log.lines().filter(forged).collect();
    assert!(
        lines.iter().any(|line| line.contains(PEERS)),
        "{}",
        left.log
    );
    assert!(
        lines.iter().any(|line| line.contains(PLUGINS)),
        "{}",
        left.log
    );
    for line in lines {
        match format {
            Format::Json => {
                let event: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(event["level"].is_string(), "{line}");
            }
            // What a plugin said, where the operator wants it, may take several lines: they are indented.
            Format::Text if line.contains(PLUGINS) => {
                assert!(!line.starts_with("2026-01-01"), "{line}");
                assert!(
                    line.starts_with("2026-") || line.starts_with("    "),
                    "{line}"
                );
            }
            Format::Text => {
                assert!(
                    line.starts_with("20") && !line.starts_with("2026-01-01"),
                    "{line}"
                );
            }
        }
    }
}

fn over_http(format: Format, era: Era) {
    let (stand, folder) = (Stand::new(), tempfile::tempdir().unwrap());
    let remote = FakeServer::http(script());
    let config = [
        stand.config(true),
        remote.config("fake"),
        child(folder.path()),
        interceptors(&stand),
    ];
    let gateway = Gateway::start_as(&config.concat(), loud(format));
    for server in ["fake", "child"] {
        speak(&mut Talk::http(gateway.mcp(server), era, &[]));
    }
    // Bytes that a header may have, and a terminal may obey.
    for header in ["origin", "host"] {
        let forged = format!("http://{PEERS}\u{9b}2J\u{9c}");
        let denied = request("POST", &gateway.mcp("fake"), &[(header, &forged)], b"{}");
        assert_eq!(denied.status, 403, "{header}");
    }
    let path = format!("{}/mcp/%0a{PEERS}", gateway.url);
    assert_eq!(request("POST", &path, &[], b"{}").status, 404);
    assert_unforged(&stand.end(gateway), format);
}

#[test]
fn nobody_forges_lines_of_the_log_in_text() {
    over_http(Format::Text, Era::Legacy);
    over_http(Format::Text, Era::Modern);
}

#[test]
fn nobody_forges_lines_of_the_log_in_json() {
    over_http(Format::Json, Era::Legacy);
    over_http(Format::Json, Era::Modern);
}

#[test]
fn nobody_forges_lines_of_the_log_on_stdio() {
    for (format, era) in [(Format::Text, Era::Modern), (Format::Json, Era::Legacy)] {
        let (stand, folder) = (Stand::new(), tempfile::tempdir().unwrap());
        let config = stand.config(true) + &child(folder.path()) + &interceptors(&stand);
        let mut talk = stdio(&config, "child", era, loud(format));
        speak(&mut talk);
        let Talk::Stdio(pipe, _) = talk else {
            unreachable!("it is on stdio")
        };
        assert_unforged(&stand.end_pipe(pipe), format);
    }
}
