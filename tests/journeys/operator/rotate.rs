//! Keys and secrets are changed while calls pass, each on the record, and what is left to do by hand is said.

use std::process::Command;
use std::time::Duration;

use harness::{Gateway, Speaker, request, sandgate};
use serde_json::{Value, json};

use crate::operator::stage::{Stage, call};

fn make_key(folder: &std::path::Path, name: &str) -> String {
    let mut made = Command::new(sandgate());
    made.args(["audit", "key", "--name", "gateway"])
        .arg(folder.join(name));
    let said = String::from_utf8(made.output().unwrap().stdout).unwrap();
    let key = said.lines().find(|line| line.starts_with("gateway+"));
    key.unwrap().to_owned()
}

fn verify(log: &std::path::Path, keys: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(sandgate());
    command.args(["audit", "verify", "--json"]);
    for key in keys {
        command.args(["--key", key]);
    }
    let output = command.arg(log).output().unwrap();
    let found = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), found)
}

/// The operator's records of this action.
fn deeds(log: &std::path::Path, action: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let all = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["record"] == "operator" && record["action"] == action)
        .collect()
}

#[test]
fn the_log_goes_on_with_another_key_and_one_that_was_given_up_or_stolen_counts_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (old, new) = (
        make_key(folder.path(), "old"),
        make_key(folder.path(), "new"),
    );
    let stage = Stage::new();
    let with = |key: &str, more: &str| {
        let audit = format!(
            "[call-log]\nto = {:?}\n[audit]\nkey = {:?}\nevery = \"1s\"\nanchor = {:?}\n{more}\n",
            path("calls.jsonl"),
            path(key),
            path("anchor")
        );
        stage.config("", &audit)
    };
    let mut gateway = Gateway::start(&with("old", ""));
    call(&gateway, "lookup");
    let new_path = path("new").display().to_string();
    let ended = gateway.command(&["rotate", "audit-key", &new_path]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for said in [&*old, &*new, "audit.former-keys", &*new_path] {
        assert!(ended.output.contains(said), "{said}: {ended:?}");
    }
    // It is the key that signs already.
    let again = gateway.command(&["rotate", "audit-key", &new_path]);
    assert_eq!(again.code, Some(2), "{again:?}");
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    let log = path("calls.jsonl");
    let deed = &deeds(&log, "rotate")[0];
    assert_eq!(
        (&deed["kind"], &deed["after"]),
        (&json!("audit-key"), &json!(new))
    );
    // The former key is enough to follow, and is believed up to there alone.
    let (code, found) = verify(&log, &[&old]);
    assert_eq!(code, Some(0), "{found:#}");
    assert_eq!(
        (&found["keys"][0]["from"], &found["keys"][0]["to"]),
        (&json!(old), &json!(new))
    );
    // The anchor has it too.
    let mut command = Command::new(sandgate());
    command.args(["audit", "verify", "--key", &old, "--anchor"]);
    let output = command.arg(path("anchor")).arg(&log).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // With the former key no gateway goes on; whoever stole it signs nothing that counts.
    let (code, said) = Gateway::refused(&with("old", ""));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("did not sign it") && said.contains("begin another log"),
        "{said}"
    );
    let mut gateway = Gateway::start(&with("new", ""));
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    assert_eq!(verify(&log, &[&old]).0, Some(0));
    // Where the key is lost no other one goes on, also where the former ones are named: somebody else may have them.
    make_key(folder.path(), "third");
    for former in [String::new(), format!("former-keys = [{old:?}, {new:?}]")] {
        assert_eq!(Gateway::refused(&with("third", &former)).0, Some(2));
    }
}

/// What a client with this token is answered.
fn speak(gateway: &Gateway, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", &*bearer),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    request("POST", &gateway.mcp("desk"), &headers, Speaker::INITIALIZE).status
}

#[test]
fn a_client_has_another_key_and_for_a_while_both() {
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path(), "key");
    let log = folder.path().join("calls.jsonl");
    let hash = ring::digest::digest(&ring::digest::SHA256, b"the-first-key");
    let hash = hash.as_ref().iter();
    let hash: String = hash.map(|byte| format!("{byte:02x}")).collect();
    let rest = format!(
        "# Who may come.\n[clients.ada]\ntoken-sha256 = \"{hash}\" # since May\n[call-log]\nto = {log:?}\n[audit]\nkey = {:?}\n",
        folder.path().join("key")
    );
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", &rest));
    assert_eq!(speak(&gateway, "the-first-key"), 200);
    let ended = gateway.command(&["rotate", "client", "ada", "--overlap", "1h"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let token = ended.output.split("Bearer ").nth(1).unwrap();
    let token = token.lines().next().unwrap().to_owned();
    assert_eq!(
        (speak(&gateway, &token), speak(&gateway, "the-first-key")),
        (200, 200)
    );
    let text = std::fs::read_to_string(gateway.config_file()).unwrap();
    assert!(
        text.contains("# Who may come.") && text.contains("# since May"),
        "{text}"
    );
    assert!(
        text.contains(&format!("previous = {{ token-sha256 = \"{hash}\"")),
        "{text}"
    );
    // The one before is not forgotten by accident.
    let again = gateway.command(&["rotate", "client", "ada"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.log.contains("is good until"), "{again:?}");
    // Somebody has it: none but the newest is good, at once.
    let ended = gateway.command(&["rotate", "client", "ada", "--at-once"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        (speak(&gateway, &token), speak(&gateway, "the-first-key")),
        (401, 401)
    );
    let unknown = gateway.command(&["rotate", "client", "eve"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    let deeds = deeds(&log, "rotate");
    assert_eq!(deeds.len(), 2, "{deeds:?}");
    assert_eq!(
        (&deeds[0]["kind"], &deeds[0]["name"]),
        (&json!("client"), &json!("ada"))
    );
    assert!(deeds[0]["previous_until"].is_string() && deeds[1]["previous_until"].is_null());
    let whole = std::fs::read_to_string(&log).unwrap();
    assert!(!whole.contains(&token));
}

#[test]
fn a_secret_is_fetched_anew_and_it_is_said_whether_it_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path(), "key");
    let log = folder.path().join("calls.jsonl");
    let kept = folder.path().join("value");
    std::fs::write(&kept, "the-first-value-of-all").unwrap();
    let rest = format!(
        "[servers.program]\ncommand = \"/bin/cat\"\n[servers.program.secrets.KEY]\nfrom-command = [\"/bin/cat\", {kept:?}]\n\
         give = \"env\"\n[call-log]\nto = {log:?}\n[audit]\nkey = {:?}\n",
        folder.path().join("key")
    );
    let gateway = Gateway::start(&Stage::new().config("", &rest));
    let same = gateway.command(&["rotate", "secret", "program/KEY"]);
    assert_eq!(same.code, Some(1), "{same:?}");
    assert!(same.output.contains("the same as before"), "{same:?}");
    std::fs::write(&kept, "the-second-value-of-all").unwrap();
    let ended = gateway.command(&["rotate", "secret", "program/KEY"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.output.contains("another value is in force"),
        "{ended:?}"
    );
    let unknown = gateway.command(&["rotate", "secret", "program/KEYS"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.log.contains("program/KEY"), "{unknown:?}");
    let deeds = deeds(&log, "rotate");
    let changed: Vec<_> = deeds.iter().map(|deed| deed["changed"].clone()).collect();
    assert_eq!(changed, [false, true]);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("value-of-all"));
}
