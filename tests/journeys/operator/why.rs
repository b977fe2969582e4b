//! A call's story, told from the gateway that runs and from the call log's file. What is told stands in `stories`, times
//! and ids aside: `BLESS=1` writes it anew.

use std::path::Path;
use std::time::Duration;

use harness::{Ended, Gateway};
use serde_json::Value;

use crate::operator::stage::{POLICIES, Stage, call};

fn started(stage: &Stage) -> Gateway {
    let log = "[call-log]\nto = \"calls.jsonl\"\npayloads = true\n";
    Gateway::start(&stage.config("", &format!("{log}{POLICIES}")))
}

/// Times, ids, digests and ports become signs; a row of blanks becomes two.
fn steady(told: &str) -> String {
    let word = |word: &str| -> String {
        let bare = word.trim_matches([':', ',', ';', '"']);
        let (start, end) = word.split_once(bare).unwrap_or_default();
        let hex = bare.len() >= 24 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sign = match bare {
            _ if hex => "ID",
            bare if bare.starts_with("sha256:") => "DIGEST",
            bare if bare.starts_with("20") && bare.ends_with('Z') => "TIME",
            bare => bare,
        };
        format!("{start}{sign}{end}")
    };
    let line = |line: &str| -> String {
        let words: Vec<String> = line.split(' ').map(word).collect();
        let mut line = words.join(" ");
        for unit in ["µs", "ms", "s"] {
            line = without_figures(&line, unit);
        }
        line
    };
    told.lines().map(|one| line(one) + "\n").collect()
}

/// `42 µs` becomes `N`.
fn without_figures(line: &str, unit: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut kept: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let bare = next.trim_end_matches([',', ';']);
        let figure = words[at].starts_with(|c: char| c.is_ascii_digit())
            && words[at].chars().all(|c| c.is_ascii_digit() || c == '.');
        if figure && bare == unit {
            kept.push(format!("N{}", &next[bare.len()..]));
            at += 2;
        } else {
            kept.push(words[at].to_owned());
            at += 1;
        }
    }
    kept.join(" ")
}

#[track_caller]
fn golden(name: &str, shown: &Ended) {
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let told = steady(&shown.output);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("journeys/operator/stories")
        .join(format!("{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, told, "{name} differs; BLESS=1 writes it anew");
}

#[test]
fn a_plain_an_edited_a_refused_and_a_failed_call() {
    let stage = Stage::new();
    let mut gateway = started(&stage);
    let calls = [
        ("plain", "lookup"),
        ("edited", "look_up_customer"),
        ("refused", "delete"),
        ("failed", "broken"),
    ];
    let mut ids = Vec::new();
    for (name, tool) in calls {
        let reply = call(&gateway, tool);
        golden(name, &gateway.command(&["why", "--last"]));
        let records = gateway.command(&["why", "--last", "--json"]).output;
        let records: Value = serde_json::from_str(&records).unwrap();
        let last = &records.as_array().unwrap().last().unwrap()["id"];
        let id = last.as_str().unwrap().to_owned();
        if name == "refused" {
            // What the client was told is what its user pastes.
            assert!(reply.to_string().contains(&id), "{reply}");
        }
        ids.push((name, id));
    }
    for (name, id) in &ids {
        golden(name, &gateway.command(&["why", id]));
        golden(name, &gateway.command(&["why", &id[..20]]));
    }
    // The same, when nobody is left to be asked.
    gateway.stop(Duration::from_secs(20)).unwrap();
    for (name, id) in &ids {
        golden(name, &gateway.command(&["why", id]));
    }
    golden("failed", &gateway.command(&["why", "--last"]));
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let moved = log.with_file_name("elsewhere");
    std::fs::copy(&log, &moved).unwrap();
    let path = moved.display().to_string();
    golden(
        "edited",
        &gateway.command(&["why", &ids[1].1, "--log", &path]),
    );
    std::fs::rename(&log, log.with_file_name("calls.jsonl.1")).unwrap();
    golden("edited", &gateway.command(&["why", &ids[1].1]));
}

#[test]
fn a_call_that_nobody_knows_is_said_to_be_nowhere() {
    let stage = Stage::new();
    let gateway = started(&stage);
    call(&gateway, "lookup");
    let unknown = gateway.command(&["why", "ffff"]);
    assert_eq!(unknown.code, Some(1));
    for words in [
        "call ffff is not known",
        "remembers no such call",
        "calls.jsonl",
    ] {
        assert!(unknown.log.contains(words), "{unknown:?}");
    }
    let many = gateway.command(&["why", "0"]);
    assert_eq!(many.code, Some(1));
    assert!(many.log.contains("begins several ids"), "{many:?}");
    let none = gateway.command(&["why", "my call"]);
    assert!(none.log.contains("no call's id"), "{none:?}");
    assert_eq!(gateway.command(&["why"]).code, Some(2), "which call?");
}

#[test]
fn without_a_call_log_the_gateway_remembers_and_no_payload_is_shown_unasked() {
    let stage = Stage::new();
    let config = stage.config("", &format!("[call-log]\nto = \"none\"\n{POLICIES}"));
    let gateway = Gateway::start(&config);
    call(&gateway, "look_up_customer");
    let shown = gateway.command(&["why", "--last"]);
    assert!(shown.output.contains("scrub  edit, applied"), "{shown:?}");
    assert!(!shown.output.contains("ticket"), "{shown:?}");
}

#[test]
fn the_words_that_matched_are_told_where_the_operator_wants_them() {
    let stage = Stage::new();
    let headers = "headers = { X-Key = \"anna@example.org\" }\n";
    let config = |switch: &str, headers: &str| {
        let log = "[call-log]\nto = \"calls.jsonl\"\n";
        let text = stage.config(switch, &format!("{log}{POLICIES}"));
        text.replace("[servers.desk]\n", &format!("[servers.desk]\n{headers}"))
    };
    let gateway = Gateway::start(&config("", ""));
    let words = || {
        call(&gateway, "look_up_customer");
        let told = gateway.command(&["why", "--last"]).output;
        told.contains("pii.email at /content/0/text: \"anna@example.org\"")
    };
    let read = || gateway.log().matches("matched words were read").count();
    assert!(!words(), "off unless it is asked for");
    assert_eq!(read(), 0);
    let reload = |text: &str| {
        harness::Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
        let told = gateway.command(&["reload"]);
        assert_eq!(told.code, Some(0), "{told:?}");
    };
    reload(&config("why-values = true", ""));
    assert!(words());
    assert_eq!(read(), 1, "each reading is logged");
    let checked = gateway.command(&["check"]);
    let said = "the words that policies match are kept in memory";
    assert!(format!("{checked:?}").contains(said), "{checked:?}");
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let written = std::fs::read_to_string(log).unwrap();
    assert!(!written.contains("anna@") && !gateway.log().contains("anna@"));
    // What the gateway itself brings is never told.
    reload(&config("why-values = true", headers));
    assert!(!words());
    reload(&config("", ""));
    assert!(!words());
}

#[test]
fn a_hook_with_nothing_to_look_for_lets_pass_without_an_instance() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", POLICIES));
    // Arguments interest the scrubber where one of its marks may come back.
    let took = |tool: &str| {
        call(&gateway, tool);
        let records = gateway.command(&["why", "--last", "--json"]).output;
        let records: Value = serde_json::from_str(&records).unwrap();
        let entries = records
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|record| record["trail"]["entries"].as_array().into_iter().flatten());
        let scrub = entries
            .into_iter()
            .find(|entry| entry["interceptor"] == "scrub" && entry["hook"] == "pre-call");
        let scrub = scrub.unwrap_or_else(|| panic!("{records}"));
        assert_eq!(scrub["decision"], "proceed");
        scrub["us"].as_u64().unwrap()
    };
    assert_eq!(took("lookup"), 0);
    assert!(took("look~up") > 0);
}
