//! The call log as proof: what a gateway wrote is verified, and every change of it is named.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Gateway, Save, sandgate};
use serde_json::Value;

use crate::operator::stage::{Stage, call};

/// A gateway whose call log is chained, with a key of its own.
struct Audited {
    stage: Stage,
    folder: tempfile::TempDir,
    verifier: String,
}

impl Audited {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = run(
            &["audit", "key", "--name", "gateway.example.com"],
            &[&folder.path().join("key")],
        );
        let verifier = made
            .lines()
            .find(|line| line.starts_with("gateway."))
            .unwrap();
        Self {
            stage: Stage::new(),
            verifier: verifier.to_owned(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, anchor: &str) -> String {
        let folder = self.folder.path().display();
        let audit = format!(
            "[call-log]\nto = \"{folder}/calls.jsonl\"\n[audit]\nkey = \"{folder}/key\"\nevery = \"1s\"\n{anchor}\n"
        );
        self.stage.config("", &audit)
    }

    fn anchor(&self) -> String {
        format!("anchor = {:?}", self.path("anchor").display().to_string())
    }

    fn verify(&self, files: &[&Path], anchor: bool) -> (Option<i32>, Value) {
        let mut command = Command::new(sandgate());
        command
            .args(["audit", "verify", "--json", "--key", &self.verifier])
            .args(files);
        if anchor {
            command.arg("--anchor").arg(self.path("anchor"));
        }
        let output = command.current_dir(self.folder.path()).output().unwrap();
        let found = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), found)
    }
}

fn run(words: &[&str], paths: &[&Path]) -> String {
    let output = Command::new(sandgate())
        .args(words)
        .args(paths)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_log_that_was_rotated_and_whose_gateway_was_killed_is_verified_whole() {
    let audited = Audited::new();
    let config = audited.config(&audited.anchor());
    let log = audited.path("calls.jsonl");
    let gateway = Gateway::start(&config);
    for _ in 0..3 {
        assert_eq!(call(&gateway, "lookup")["id"], 1);
    }
    // A second gateway does not write this log.
    let audit = &config[config.find("[call-log]").unwrap()..];
    let other = audited.stage.config("admin = \"none\"", audit);
    let (code, said) = Gateway::refused(&other);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is written by another gateway"), "{said}");
    // Rotated.
    std::fs::rename(&log, audited.path("calls.jsonl.1")).unwrap();
    assert_eq!(gateway.command(&["reload"]).code, Some(0));
    assert_eq!(call(&gateway, "lookup")["id"], 1);
    // Killed, and what it wrote last is cut off.
    until("a checkpoint is kept", || {
        std::fs::read_to_string(audited.path("anchor"))
            .is_ok_and(|text| text.contains("gateway.example.com"))
    });
    drop(gateway);
    let mut file = std::fs::File::options().append(true).open(&log).unwrap();
    file.write_all(b"{\"seq\":").unwrap();
    // Moved away before the next one starts.
    std::fs::rename(&log, audited.path("calls.jsonl.2")).unwrap();
    let mut gateway = Gateway::start(&config);
    assert_eq!(call(&gateway, "lookup")["id"], 1);
    gateway.stop(Duration::from_secs(20)).unwrap();

    let moved = ["calls.jsonl.2", "calls.jsonl.1"].map(|name| audited.path(name));
    let files = [&*log, &*moved[0], &*moved[1]];
    let (code, found) = audited.verify(&files, true);
    assert_eq!(
        (code, &found["verified"]),
        (Some(0), &Value::Bool(true)),
        "{found:#}"
    );
    assert_eq!(
        (&found["first"], &found["torn"]),
        (&0.into(), &1.into()),
        "{found:#}"
    );
    assert!(found["anchored"].as_u64().unwrap() >= 2, "{found:#}");
    // Everything up to the last line is signed: the gateway ended in order.
    let signed = found["last_checkpoint"]["lines"].as_u64().unwrap();
    assert_eq!(signed + 1, found["size"].as_u64().unwrap());
    // Each call is there: two records each.
    let text = files
        .map(|file| std::fs::read_to_string(file).unwrap())
        .concat();
    let ended = text.matches("\"record\":\"ended\"").count();
    assert_eq!(text.matches("\"method\":\"tools/call\"").count(), 10);
    // As events of another system, one for each call.
    let events = run(&["audit", "export", "--format", "ocsf"], &files);
    assert_eq!(events.lines().count(), ended);
    for event in events.lines() {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["class_uid"], 6003);
    }
}

#[test]
fn every_change_of_a_log_is_named_at_its_line() {
    let audited = Audited::new();
    let mut gateway = Gateway::start(&audited.config(&audited.anchor()));
    for _ in 0..4 {
        call(&gateway, "lookup");
    }
    gateway.stop(Duration::from_secs(20)).unwrap();
    let log = audited.path("calls.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(audited.verify(&[&log], true).0, Some(0));
    let forged = |lines: &[String], anchor: bool| {
        std::fs::write(&log, lines.join("\n") + "\n").unwrap();
        let (code, found) = audited.verify(&[&log], anchor);
        (code, found["problems"][0].clone())
    };
    let whole: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let place = 4;
    let mut edited = whole.clone();
    edited[place] = edited[place]
        .replacen("tools/call", "tools/list", 1)
        .replacen("initialize", "initialise", 1);
    assert_ne!(edited, whole);
    let mut dropped = whole.clone();
    dropped.remove(place);
    let mut swapped = whole.clone();
    swapped.swap(place, place + 1);
    let mut doubled = whole.clone();
    doubled.insert(place, whole[2].clone());
    for (what, lines) in [
        ("edited", edited),
        ("dropped", dropped),
        ("swapped", swapped),
        ("doubled", doubled),
    ] {
        let (code, problem) = forged(&lines, false);
        assert_eq!(
            (code, &problem["line"]),
            (Some(1), &(place as u64 + 1).into()),
            "{what}: {problem}"
        );
    }
    // A cut end is seen against the anchor alone; where nothing signed is left, that is said.
    let (code, problem) = forged(&whole[..place], true);
    assert_eq!(code, Some(1));
    assert!(
        problem["problem"]
            .as_str()
            .unwrap()
            .contains("the end was cut off"),
        "{problem}"
    );
    let (code, problem) = forged(&whole[..place], false);
    assert_eq!(code, Some(1));
    assert!(
        problem["problem"]
            .as_str()
            .unwrap()
            .contains("no checkpoint vouches"),
        "{problem}"
    );
    // Another key's checkpoints do not count.
    std::fs::write(&log, &text).unwrap();
    let other = Audited::new();
    let output = Command::new(sandgate())
        .args(["audit", "verify", "--key", &other.verifier])
        .arg(&log)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("none of the keys at hand has signed it"),
        "{said}"
    );
}

#[test]
fn an_anchor_that_is_away_is_told_and_holds_up_no_call() {
    let audited = Audited::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = Gateway::start(&audited.config(&format!("anchor = \"http://{address}/in\"")));
    call(&gateway, "lookup");
    until("status tells it", || {
        gateway
            .command(&["status"])
            .output
            .contains("no checkpoint is kept since")
    });
    assert_eq!(call(&gateway, "lookup")["id"], 1);
    // It is back, and gets a checkpoint without a further call.
    let listener = TcpListener::bind(address).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut got = Vec::new();
    let mut part = [0; 4096];
    while !String::from_utf8_lossy(&got).contains("\u{2014} gateway.example.com ") {
        let count = stream.read(&mut part).unwrap();
        assert!(count > 0);
        got.extend_from_slice(&part[..count]);
    }
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .unwrap();
    assert!(String::from_utf8_lossy(&got).starts_with("POST /in HTTP/1.1\r\n"));
    until("status tells it no more", || {
        !gateway
            .command(&["status"])
            .output
            .contains("no checkpoint is kept since")
    });
}

#[test]
fn a_log_that_moves_with_a_reload_goes_on_in_its_chain() {
    let audited = Audited::new();
    let config = audited.config("");
    let mut gateway = Gateway::start(&config);
    call(&gateway, "lookup");
    let moved = config.replace("calls.jsonl", "moved.jsonl");
    Save::RenameOver.write(&gateway.config_file(), moved.as_bytes());
    assert_eq!(gateway.command(&["reload"]).code, Some(0));
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    let files = [&*audited.path("calls.jsonl"), &*audited.path("moved.jsonl")];
    let (code, found) = audited.verify(&files, false);
    assert_eq!(code, Some(0), "{found:#}");
    assert_eq!(found["files"].as_array().unwrap().len(), 2);
    // Who changed what is part of it.
    let text = std::fs::read_to_string(files[1]).unwrap();
    let reload = text
        .lines()
        .find(|line| line.contains("\"record\":\"operator\""))
        .unwrap();
    let reload: Value = serde_json::from_str(reload).unwrap();
    assert_eq!(
        (&reload["action"], &reload["cause"]),
        (&"reload".into(), &"admin".into())
    );
    assert_eq!(reload["changes"][0]["name"], "[call-log]", "{reload}");
    // The later one alone is verified, too: its first record says what came before it.
    let (code, found) = audited.verify(&files[1..], false);
    assert_eq!(code, Some(0), "{found:#}");
    assert!(found["first"].as_u64().unwrap() > 0);
}

#[test]
fn the_configuration_of_a_gateway_that_runs_is_checked_beside_it_and_another_may_not_have_its_log()
{
    let audited = Audited::new();
    let gateway = Gateway::start(&audited.config(""));
    let checked = gateway.command(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let (code, said) = Gateway::refused(&audited.config(""));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is written by another gateway"), "{said}");
}

#[test]
fn a_log_that_others_wrote_while_no_gateway_ran_is_not_signed() {
    let audited = Audited::new();
    let config = audited.config("");
    let mut gateway = Gateway::start(&config);
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    let (log, beside) = (
        audited.path("calls.jsonl"),
        audited.path("calls.jsonl.chain"),
    );
    let text = std::fs::read_to_string(&log).unwrap();
    // A chain of somebody else's: the gateway does not begin with it.
    let kept = std::fs::read_to_string(&beside).unwrap();
    std::fs::write(&beside, kept.replacen("\"size\":", "\"size\":1", 1)).unwrap();
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("did not sign it"), "{said}");
    // What would be in the way of the file beside the log is not followed, and holds nothing up.
    std::fs::remove_file(&beside).unwrap();
    let fresh = audited.path("calls.jsonl.chain.new");
    std::os::unix::fs::symlink(audited.path("key"), &fresh).unwrap();
    let key = std::fs::read(audited.path("key")).unwrap();
    let mut gateway = Gateway::start(&config);
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    assert_eq!(std::fs::read(audited.path("key")).unwrap(), key);
    // Without it, the lines that were there are not part of what is signed, and the break is named.
    let (code, found) = audited.verify(&[&log], false);
    assert_eq!(code, Some(1), "{found:#}");
    let lines = text.lines().count() as u64;
    assert_eq!(found["problems"][0]["line"], lines + 1, "{found:#}");
    assert!(
        found["problems"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("begins the chain anew"),
        "{found:#}"
    );
}
