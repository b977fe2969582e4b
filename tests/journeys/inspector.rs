//! The MCP Inspector, the tool with which people look at a server: through the gateway it shows what it shows of the
//! server itself, as a client of either era.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;
use std::time::Duration;

use harness::{Fixture, Gateway, Parts, Process, node, peers};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// What the Inspector prints of one request: its result, or the error.
fn inspected(url: &str, era: &str, request: &[&str]) -> Value {
    let launcher = peers()
        .join("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    // It keeps a catalogue of servers and credentials in the user's home.
    let home = tempfile::tempdir().unwrap();
    let mut inspector = Command::new(node());
    inspector
        .arg(launcher)
        .args(["--cli", url, "--transport", "http"]);
    inspector.args([
        "--protocol-era",
        era,
        "--format",
        "json",
        "--quiet",
        "--method",
    ]);
    inspector.args(request).env("HOME", home.path());
    let mut process = Process::start(&mut inspector);
    let status = process.wait(PATIENCE);
    let printed = match status {
        Some(status) if status.success() => process.output(),
        Some(_) => process.log(),
        None => panic!("{request:?} at {url}: no end\n{}", process.log()),
    };
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{request:?} at {url}: {error}: {printed}"))
}

#[track_caller]
fn assert_the_same(server: &str, era: &str, requests: &[&[&str]]) {
    let gateway = Gateway::start(&format!("[servers.seen]\nurl = {server:?}\n"));
    for request in requests {
        let direct = inspected(server, era, request);
        assert!(
            direct.get("result").is_some(),
            "{era}: {request:?}: {direct}"
        );
        let through = inspected(&gateway.mcp("seen"), era, request);
        assert_eq!(through, direct, "{era}: {request:?}");
    }
    let log = gateway.process.output();
    let records = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_an_era: Vec<_> = records.filter(|record| record["era"] == era).collect();
    assert!(!of_an_era.is_empty(), "no call of the {era} era: {log}");
    let in_sessions = of_an_era
        .iter()
        .filter(|record| record["session"].is_string())
        .count();
    let expected = if era == "legacy" { of_an_era.len() } else { 0 };
    assert_eq!(in_sessions, expected, "{era}: calls in sessions");
}

const OF_THE_FIXTURE: [&[&str]; 7] = [
    &["tools/list"],
    &["tools/call", "--tool-name", "test_multiple_content_types"],
    &[
        "tools/call",
        "--tool-name",
        "test_header_parameter",
        "--tool-arg",
        "region=eu-west",
    ],
    &["resources/list"],
    &["resources/templates/list"],
    &["resources/read", "--uri", "test://template/7/data"],
    &[
        "prompts/get",
        "--prompt-name",
        "test_prompt_with_arguments",
        "--prompt-args",
        "arg1=a",
        "arg2=b",
    ],
];

#[test]
fn an_old_server_looks_the_same_through_the_gateway() {
    let parts = Parts::new();
    let (url, _server) = parts.everything_over_http();
    assert_the_same(
        &url,
        "legacy",
        &[
            &["tools/list"],
            &[
                "tools/call",
                "--tool-name",
                "get-sum",
                "--tool-arg",
                "a=2",
                "b=3",
            ],
            &["resources/list"],
            &["resources/templates/list"],
            &[
                "resources/read",
                "--uri",
                "demo://resource/static/document/architecture.md",
            ],
            &["prompts/list"],
            &[
                "prompts/get",
                "--prompt-name",
                "args-prompt",
                "--prompt-args",
                "city=Oslo",
            ],
            &["logging/setLevel", "--log-level", "info"],
        ],
    );
}

#[test]
fn a_server_of_both_eras_looks_the_same_to_an_old_inspector() {
    assert_the_same(&Fixture::conformance().url, "legacy", &OF_THE_FIXTURE);
}

#[test]
fn a_server_of_both_eras_looks_the_same_to_a_modern_inspector() {
    assert_the_same(&Fixture::conformance().url, "modern", &OF_THE_FIXTURE);
}
