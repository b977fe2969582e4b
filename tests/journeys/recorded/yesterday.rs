//! What a new configuration would have decided yesterday, and a call of yesterday as a fixture.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use crate::recorded::stand::{SCRUB, Stand, says};

/// Refuses what is not allowed.
fn allowing(tools: &str) -> String {
    format!(
        "[[interceptors]]\nname = \"allow\"\nplugin = \"builtin:allow-tools\"\ntimeout = \"20s\"\n\
         settings = {{ rules = [{{ who = [\"*\"], allow = [{tools}] }}] }}\n"
    )
}

/// Calls a thousand tools: every 25th deletes something, every 40th answers with a mail address.
fn a_thousand_calls(stand: &Stand) -> BTreeSet<String> {
    let mut deleting = BTreeSet::new();
    for n in 0..1000 {
        let tool = match n % 25 {
            24 => format!("delete_{n}"),
            _ => format!("lookup_{n}"),
        };
        let answer = match n % 40 {
            0 => says(&format!("write to ada{n}@example.com")),
            _ => says(&format!("row {n} is open")),
        };
        stand.call(&tool, json!({ "row": n }), &answer);
        if tool.starts_with("delete") {
            deleting.insert(tool);
        }
    }
    deleting
}

fn targets(replayed: &Value, whose: &str) -> BTreeSet<String> {
    let differences = replayed["differences"].as_array().unwrap();
    let own = differences.iter().filter(|one| one["interceptor"] == whose);
    own.map(|one| one["target"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_thousand_calls_under_two_configurations_show_exactly_what_differs_within_two_seconds_timed() {
    let old_policies = [allowing("\"*\""), SCRUB.to_owned()].concat();
    let mut stand = Stand::recording(&old_policies, &[]);
    let deleting = a_thousand_calls(&stand);
    stand.end();
    let old = stand.gateway.config_file();
    let narrower = [allowing("\"*/lookup_*\""), SCRUB.to_owned()].concat();
    let new = stand.config("new.toml", &narrower);
    let against = ["--against", old.to_str().unwrap()];

    // The first time, machine code is made.
    stand.replay(&new, &against);
    let started = Instant::now();
    let replayed = stand.replayed(&new, &against);
    let whole = started.elapsed().as_millis();
    let calls = &replayed["calls"];
    println!(
        "{calls} calls twice in {} ms, in {whole} ms with everything around it",
        replayed["took_ms"]
    );
    assert!(calls.as_u64().unwrap() >= 1000);
    assert!(replayed["took_ms"].as_u64().unwrap() <= 2000, "{replayed}");

    assert_eq!(targets(&replayed, "allow"), deleting);
    assert_eq!(replayed["differing"], 40);
    for one in replayed["differences"].as_array().unwrap() {
        match one["what"].as_str().unwrap() {
            "decision" if one["interceptor"] == "allow" => {
                assert_eq!(
                    (&one["was"], &one["is"]),
                    (
                        &json!("proceed"),
                        &json!("refuse (allow-tools.not-allowed)")
                    )
                );
            }
            // What would have been masked is not asked for any more.
            "decision" => assert_eq!((&one["was"], &one["is"]), (&json!("edit"), &json!("-"))),
            "outcome" => assert_eq!(
                (&one["was"], &one["is"]),
                (&json!("forwarded"), &json!("refused"))
            ),
            other => panic!("{other}: {one}"),
        }
    }
    // Compared with what happened live, it is the same.
    let live = stand.replayed(&new, &[]);
    assert_eq!(live["differences"], replayed["differences"]);
    assert_eq!(stand.replayed(&old, &["--findings"])["differing"], 0);

    let failing = stand.replay(&new, &["--fail-on-difference"]);
    assert_eq!(failing.code, Some(1));
    assert!(
        failing
            .output
            .contains("40 differ from what was decided live"),
        "{}",
        failing.output
    );
    assert!(
        failing.output.contains("refuse (allow-tools.not-allowed)"),
        "{}",
        failing.output
    );
    assert_eq!(stand.replay(&old, &["--fail-on-difference"]).code, Some(0));
}

#[test]
fn a_live_case_becomes_a_fixture_that_passes() {
    let mut stand = Stand::recording(SCRUB, &[]);
    stand.call("lookup", json!({ "row": 1 }), &says("nothing to see"));
    stand.call(
        "lookup",
        json!({ "row": 2 }),
        &says("write to <ada@corp.example>"),
    );
    stand.end();
    let exchanges = stand.exchanges();
    let masked = exchanges
        .iter()
        .find(|one| one["trail"][1]["decision"] == "edit")
        .unwrap();
    let id = masked["id"].as_str().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("masked.toml");
    let args = [
        "--fixture",
        id,
        "--interceptor",
        "scrub",
        "--to",
        to.to_str().unwrap(),
    ];
    let config = stand.gateway.config_file();
    let written = stand.replay(&config, &args);
    assert_eq!(written.code, Some(0), "{}", written.log);
    assert!(
        written.output.contains("decided (edit)") || written.output.contains("(edit)"),
        "{}",
        written.output
    );
    let text = std::fs::read_to_string(&to).unwrap();
    assert!(
        text.contains("pii.email") && !text.contains("ada@corp.example"),
        "{text}"
    );

    let test = |plugin: &str| {
        let folder = folder.path().to_str().unwrap();
        stand
            .gateway
            .command(&["plugin", "test", "--plugin", plugin, "--fixtures", folder])
    };
    let tested = test("builtin:pii-scrubber");
    assert_eq!(tested.code, Some(0), "{}\n{text}", tested.output);
    // It tests something.
    assert_eq!(test("builtin:allow-tools").code, Some(1));

    let again = stand.replay(&config, &args);
    assert_eq!(again.code, Some(2));
    assert!(again.log.contains("cannot be written"), "{}", again.log);
    let list = stand.calls().join("left-out.jsonl");
    let left_out = "{\"id\":\"0left-out\",\"why\":\"surrogates are judged otherwise\"}\n";
    std::fs::write(&list, left_out).unwrap();
    let missing = stand.replay(
        &config,
        &[
            "--fixture",
            "0left",
            "--interceptor",
            "scrub",
            "--to",
            "x.toml",
        ],
    );
    assert_eq!(missing.code, Some(2));
    let says = "0left-out was left out of the recording: surrogates are judged otherwise";
    assert!(missing.log.contains(says), "{}", missing.log);
    let nobody = stand.replay(
        &config,
        &["--fixture", id, "--interceptor", "nobody", "--to", "x.toml"],
    );
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.log.contains("it has: scrub"), "{}", nobody.log);
}

#[test]
fn a_recorded_call_is_the_first_fixture_of_a_new_plugin() {
    let mut stand = Stand::recording(SCRUB, &[]);
    let reply = says("write to <ada@corp.example>");
    stand.call("lookup", json!({ "row": 2 }), &reply);
    stand.end();
    let exchanges = stand.exchanges();
    let mut calls = exchanges.iter().filter(|one| one["method"] == "tools/call");
    let id = calls.next().unwrap()["id"].as_str().unwrap().to_owned();
    let new = |name: &str, id: &str| {
        let call = stand.calls().join(id).display().to_string();
        let args = [
            "plugin",
            "new",
            name,
            "--lang",
            "c",
            "--from-recording",
            &call,
        ];
        stand.gateway.command(&args)
    };
    let made = new("guard", &id);
    assert_eq!(made.code, Some(0), "{}", made.log);
    assert!(made.output.contains("test --bless"), "{}", made.output);
    let first = exchanges[0]["id"].as_str().unwrap();
    let unseen = new("greeter", first);
    assert_eq!(unseen.code, Some(2), "{unseen:?}");
    assert!(unseen.log.contains("is initialize, which"), "{unseen:?}");
    let project = stand.gateway.config_file().with_file_name("guard");
    for hook in ["pre-call", "post-call"] {
        let file = project.join(format!("fixtures/recorded-{hook}.toml"));
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("lookup"), "{text}");
        assert!(!text.contains("ada@corp.example"), "{text}");
        assert!(!text.contains("[expect]"), "{text}");
    }
    let unknown = new("other", "no-such-call");
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.log.contains("no recorded call"), "{}", unknown.log);
    assert!(!project.with_file_name("other").exists());
}
