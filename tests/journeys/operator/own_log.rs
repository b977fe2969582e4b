//! The gateway's own log where it cannot be written: calls, reloads and the end go on as if it could.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Era, Gateway, Speaker, request};
use serde_json::Value;

use crate::operator::stage::{Stage, by_shell, call};

/// What happens to whatever is written to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stderr {
    /// The disk is full.
    Full,
    /// There is no such descriptor.
    Closed,
    /// Its reader has gone.
    Broken,
    /// Nobody reads it, and it is full.
    Unread,
}

/// A gateway with a key, so that calls without one are turned away and logged.
fn start(stage: &Stage, stderr: Stderr) -> (Gateway, Option<PipeReader>) {
    let config = stage.config("", "[call-log]\nto = \"calls.jsonl\"\n");
    let plain = |_: &mut Command| {};
    match stderr {
        Stderr::Full => {
            let full = File::options().write(true).open("/dev/full").unwrap();
            (
                Gateway::start_with_stderr(&config, full.into(), plain),
                None,
            )
        }
        Stderr::Closed => {
            let closed = |command: &mut Command| by_shell(command, "exec \"$@\" 2>&-");
            let gateway = Gateway::start_with_stderr(&config, Stdio::null(), closed);
            (gateway, None)
        }
        Stderr::Broken => {
            let (read, write) = std::io::pipe().unwrap();
            drop(read);
            (
                Gateway::start_with_stderr(&config, write.into(), plain),
                None,
            )
        }
        Stderr::Unread => {
            let (read, mut write) = std::io::pipe().unwrap();
            write.write_all(&[b'\n'; 64 << 10]).unwrap();
            let gateway = Gateway::start_with_stderr(&config, write.into(), plain);
            (gateway, Some(read))
        }
    }
}

/// A request that is refused, with a long line in the log.
fn refused(gateway: &Gateway) {
    let host = "x".repeat(20_000);
    let url = gateway.mcp("desk");
    let answer = request("POST", &url, &[("host", &host)], b"{}");
    assert_eq!(answer.status, 403);
}

fn goes_on(stderr: Stderr) {
    let stage = Stage::new();
    let (mut gateway, unread) = start(&stage, stderr);
    // More than the queue and the pipe hold.
    for _ in 0..80 {
        refused(&gateway);
    }
    assert_eq!(call(&gateway, "lookup")["id"], 1, "{stderr:?}");
    let reloaded = gateway.command(&["reload"]);
    assert_eq!(reloaded.code, Some(0), "{stderr:?}: {reloaded:?}");
    assert_eq!(gateway.readiness()["ready"], true, "{stderr:?}");
    let status: Value =
        serde_json::from_str(&gateway.command(&["status", "--json"]).output).unwrap();
    let log = &status["log"];
    // Rust opens /dev/null in place of what is closed.
    let closed = stderr == Stderr::Closed;
    assert_eq!(log["dropped"] == 0, closed, "{stderr:?}: {log}");
    let fails = matches!(stderr, Stderr::Full | Stderr::Broken);
    assert_eq!(log["failing"].is_string(), fails, "{stderr:?}: {log}");
    if let Some(mut unread) = unread {
        let dropped = log["dropped"].as_u64().unwrap();
        let (mut text, mut part) = (Vec::new(), vec![0; 64 << 10]);
        let told = format!("{dropped} lines of this log could not be written");
        let until = Instant::now() + Duration::from_secs(20);
        while !String::from_utf8_lossy(&text).contains(&told) {
            assert!(Instant::now() < until, "it is not told: {told}");
            let count = unread.read(&mut part).unwrap();
            text.extend_from_slice(&part[..count]);
        }
        // Full once more, before it ends.
        for _ in 0..80 {
            refused(&gateway);
        }
    }
    let before = Instant::now();
    let status = gateway.stop(Duration::from_secs(20));
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "{stderr:?}"
    );
    assert!(before.elapsed() < Duration::from_secs(8), "{stderr:?}");
}

#[test]
fn a_full_disk_below_stderr_stops_nothing() {
    goes_on(Stderr::Full);
}

#[test]
fn without_a_stderr_nothing_stops() {
    goes_on(Stderr::Closed);
}

#[test]
fn a_stderr_whose_reader_has_gone_stops_nothing() {
    goes_on(Stderr::Broken);
}

#[test]
fn a_stderr_that_nobody_reads_stops_nothing_and_what_is_lost_is_told() {
    goes_on(Stderr::Unread);
}

#[test]
fn a_call_log_on_a_broken_stderr_keeps_its_policy() {
    let stage = Stage::new();
    for (policy, answered) in [("refuse", false), ("continue", true)] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let log = format!("[call-log]\nto = \"stderr\"\non-failure = {policy:?}\n");
        let config = stage.config("", &log);
        let mut gateway = Gateway::start_with_stderr(&config, write.into(), |_| {});
        let answer = modern(&gateway);
        assert_eq!(answer["result"].is_object(), answered, "{policy}: {answer}");
        assert!(gateway.stop(Duration::from_secs(20)).is_some());
    }
}

/// What becomes of a modern client's call.
pub(crate) fn modern(gateway: &Gateway) -> Value {
    let answers = Speaker::open(&gateway.mcp("desk"), Era::Modern).say(MODERN);
    serde_json::from_slice(&answers[0]).unwrap()
}

#[test]
fn a_call_log_that_cannot_be_written_makes_it_unready_until_it_can() {
    let stage = Stage::new();
    let (mut read, mut write) = std::io::pipe().unwrap();
    write.write_all(&[b'\n'; 64 << 10]).unwrap();
    let config = stage.config("", "[call-log]\nto = \"stderr\"\n");
    let mut gateway = Gateway::start_with_stderr(&config, write.into(), |_| {});
    assert_eq!(gateway.readiness()["ready"], true);
    assert!(modern(&gateway)["error"].is_object());
    let now = gateway.readiness();
    assert_eq!(now["ready"], false, "{now}");
    assert_eq!(now["conditions"], serde_json::json!(["call-log"]), "{now}");
    let status = gateway.command(&["status"]).output;
    assert!(
        status.contains("call-log (not ready): cannot be written: "),
        "{status}"
    );

    // Nobody calls: it finds out by itself.
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        text
    });
    let until = Instant::now() + Duration::from_secs(20);
    while gateway.readiness()["ready"] != true {
        assert!(Instant::now() < until, "{}", gateway.readiness());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(modern(&gateway)["result"].is_object());
    gateway.stop(Duration::from_secs(20)).unwrap();
    let text = reader.join().unwrap();
    let records = text.lines().filter(|line| line.starts_with("{\"record\""));
    let records: Vec<Value> = records
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = records
        .iter()
        .map(|record| record["record"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["gap", "forwarded", "ended"], "{text}");
    assert!(records[0]["unwritten"].as_u64() >= Some(1), "{text}");
}

const MODERN: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Every line that a process wrote is an object of JSON.
fn objects(log: &str) -> Vec<Value> {
    let object = |line: &str| match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Value::Object(object),
        other => panic!("{line:?}: {other:?}"),
    };
    log.lines().map(object).collect()
}

#[test]
fn in_json_every_line_is_an_object() {
    let stage = Stage::new();
    let json = |command: &mut Command| {
        command.args(["--log-format", "json"]);
    };
    let config = stage.config("", "[servers.gone]\nurl = \"http://127.0.0.1:1/mcp\"\n");
    let mut gateway = Gateway::start_as(&config, json);
    refused(&gateway);
    std::fs::write(gateway.config_file(), "[gateway\n").unwrap();
    assert_eq!(gateway.command(&["reload"]).code, Some(1));
    gateway.stop(Duration::from_secs(20)).unwrap();
    let lines = objects(&gateway.log());
    assert!(lines.len() > 3, "{lines:?}");
    let address = "at once, and at its end";
    assert!(
        lines.iter().all(|line| line["level"].is_string()),
        "{address}: {lines:?}"
    );

    // What keeps it from starting.
    let wrong = [
        ("[gateway\n", &[][..]),
        (
            "[gateway]\nlisten = \"203.0.113.1:1\"\nallow-unauthenticated = true\n",
            &[],
        ),
        ("[servers.a]\ncommand = \"a\"\nb = 1\nc = 2\n", &[]),
        ("", &["--log-level", "inof"]),
        ("", &["--stdio", "--server", "nobody"]),
    ];
    for (config, arguments) in wrong {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandgate.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(harness::sandgate());
        command
            .args(["run", "--log-format", "json", "--config"])
            .arg(&file)
            .args(arguments);
        command
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("XDG_CACHE_HOME", harness::cache());
        let mut process = harness::Process::start(&mut command);
        let status = process.wait(Duration::from_secs(60)).unwrap();
        assert_eq!(status.code(), Some(2), "{config}");
        let lines = objects(&process.log());
        let is_error = |line: &&Value| line["level"] == "ERROR" && line["message"].is_string();
        assert!(
            lines.iter().any(|line| is_error(&line)),
            "{config}: {lines:?}"
        );
    }
}
