//! The protocol's own conformance suite is the judge: each of its checks comes to the same verdict about a server and
//! about the gateway in front of that server, with an empty pipeline and with interceptors that look at everything and
//! change nothing.
//!
//! The server is ours, on PyPI `mcp` (`tests/peers/servers/conformance.py`), and passes what either revision requires.
//! The suite also runs what no revision requires: of that, the `tasks-*` scenarios fail directly (the library has no
//! tasks), and have to fail in the same way through the gateway.
//!
//! The other way about, the suite judges a client, on PyPI `mcp` too, by what reaches a server of the suite's: the same,
//! whether the client talks to that server or to a gateway in front of it.
//!
//! Its `auth/*` scenarios judge a client's way through OAuth: how it finds the authorisation server, registers there, asks for
//! scopes. Of that the gateway sees what goes to the server: the 401 and 403 with their `WWW-Authenticate`, the server's
//! metadata, and the token. So those scenarios are run that are about these, with `forward-authorization`, which lets them
//! through; the others differ in what goes on between the client and the authorisation server, beside the gateway. The suite
//! has none for the gateway's own part, `[authorization]`: it judges no server that asks for tokens. That is held against a real
//! issuer and a real client elsewhere (`operator/authorization.rs`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking; the table is printed"
)]

mod suite;

use harness::{Fixture, Gateway};
use suite::{COLUMNS, ClientCommand, Verdicts, client_scenarios};

/// One that looks at every message and one that may change every message; neither finds what it looks for.
fn pass_through(folder: &std::path::Path) -> String {
    let mut config = String::new();
    for (guest, settings) in [
        ("noop", ""),
        (
            "masks-a-word",
            "settings = { word = \"a-word-that-nobody-says\" }\n",
        ),
    ] {
        let plugin = folder.join(format!("{guest}.wasm"));
        std::fs::write(&plugin, sandgate_guests::find(guest).unwrap().bytes).unwrap();
        config += &format!(
            "\n[[interceptors]]\nname = {guest:?}\nplugin = {plugin:?}\ntimeout = \"5s\"\n{settings}"
        );
    }
    config
}

/// Where an interceptor looks, the gateway itself refuses answers to questions that it has not seen asked, and tasks that
/// it has not seen begun: it could not say what the interceptor is to judge. These checks send such.
const UNSEEN: [(&str, &str); 4] = [
    (
        "server-input-required-result-ignore-extra-params",
        "sep-2322-ignore-unexpected-params",
    ),
    (
        "server-input-required-result-missing-input-response",
        "sep-2322-missing-response-rerequests",
    ),
    (
        "server-tasks-dispatch-and-envelope",
        "sep-2663-tasks-get-invalid-task-id-32602",
    ),
    (
        "server-tasks-dispatch-and-envelope",
        "sep-2663-tasks-result-removed-method-not-found",
    ),
];

/// Runs a requirement set three times and compares; gives what it came to directly.
fn the_gateway_changes_no_verdict(requirements: &str) -> Verdicts {
    let fixture = Fixture::conformance();
    let folder = tempfile::tempdir().unwrap();
    let server = format!("[servers.fixture]\nurl = {:?}\n", fixture.url);
    let pass_through = server.clone() + &pass_through(folder.path());

    println!("{requirements:12} | {COLUMNS}");
    let direct = Verdicts::of_server(&fixture.url, requirements);
    println!("directly     | {direct}");
    for (pipeline, config) in [("empty", server), ("pass-through", pass_through)] {
        let gateway = Gateway::start(&config);
        let through = Verdicts::of_server(&gateway.mcp("fixture"), requirements);
        println!("{pipeline:12} | {through}");
        let beside: &[_] = if pipeline == "empty" { &[] } else { &UNSEEN };
        let (through, direct) = (through.without(beside), direct.clone().without(beside));
        assert!(
            through == direct,
            "{requirements}, {pipeline} pipeline.\nOnly directly:\n{}\nOnly through the gateway:\n{}\n{}",
            direct.missing_from(&through),
            through.missing_from(&direct),
            gateway.log()
        );
    }
    direct
}

#[test]
fn every_verdict_about_a_server_of_2025_11_25_is_the_same_through_the_gateway() {
    let direct = the_gateway_changes_no_verdict("2025-11-25");
    assert_eq!(direct.scenarios(), 33);
    assert_eq!(direct.scenarios_with("FAILURE"), [""; 0]);
}

#[test]
fn every_verdict_about_a_server_of_2026_07_28_is_the_same_through_the_gateway() {
    let direct = the_gateway_changes_no_verdict("2026-07-28");
    assert_eq!(direct.scenarios(), 50);
    let failing = direct.scenarios_with("FAILURE");
    assert!(
        failing.iter().all(|name| name.starts_with("server-tasks-")),
        "{failing:?}"
    );
}

/// Runs a requirement set's client scenarios three times and compares; gives their names.
fn the_gateway_changes_no_verdict_about_a_client(requirements: &str) -> Vec<String> {
    let mut scenarios = client_scenarios(requirements);
    scenarios.retain(|name| !name.starts_with("auth/"));
    let folder = tempfile::tempdir().unwrap();
    let interceptors = folder.path().join("interceptors.toml");

    println!("{requirements:12} | {COLUMNS}");
    let direct = Verdicts::of_client(&scenarios, requirements, &ClientCommand::directly());
    println!("directly     | {direct}");
    let client = ClientCommand::behind_a_gateway(&interceptors);
    for (pipeline, config) in [
        ("empty", String::new()),
        ("pass-through", pass_through(folder.path())),
    ] {
        std::fs::write(&interceptors, config).unwrap();
        let through = Verdicts::of_client(&scenarios, requirements, &client);
        println!("{pipeline:12} | {through}");
        assert!(
            through == direct,
            "{requirements}, {pipeline} pipeline.\nOnly directly:\n{}\nOnly through the gateway:\n{}",
            direct.missing_from(&through),
            through.missing_from(&direct)
        );
    }
    assert_eq!(direct.count("FAILURE"), 0);
    scenarios
}

#[test]
fn every_verdict_about_a_client_of_2025_11_25_is_the_same_through_the_gateway() {
    let scenarios = the_gateway_changes_no_verdict_about_a_client("2025-11-25");
    assert_eq!(scenarios.len(), 5, "{scenarios:?}");
}

#[test]
fn every_verdict_about_a_client_of_2026_07_28_is_the_same_through_the_gateway() {
    let scenarios = the_gateway_changes_no_verdict_about_a_client("2026-07-28");
    assert_eq!(scenarios.len(), 8, "{scenarios:?}");
}

/// What a client makes of the server's metadata, of a challenge, and of one that asks for more.
const TOKENS: [&str; 3] = [
    "auth/metadata-default",
    "auth/scope-step-up",
    RESOURCE_MISMATCH,
];

/// The server's metadata name another resource than the server. A client that talks to the server itself stops there. One
/// behind a gateway gets a token for the gateway's URL, as whose the metadata come, and never for what the server named.
const RESOURCE_MISMATCH: &str = "auth/resource-mismatch";

/// The suite's server looks whether the client asked for a token for the server's own URL. Behind a gateway it asks for one
/// for the gateway's.
const RESOURCE: &str = "resource-parameter-matches-prm";

#[test]
fn a_clients_way_to_a_token_is_the_same_through_a_gateway_but_for_whom_the_token_is_meant() {
    let revision = "2026-07-28";
    let run = |scenarios: &[&str], client: &ClientCommand| {
        Verdicts::of_client_whatever(scenarios, revision, client, |_| {})
    };
    let folder = tempfile::tempdir().unwrap();
    let interceptors = folder.path().join("interceptors.toml");
    std::fs::write(&interceptors, "").unwrap();
    let client = ClientCommand::with_tokens_behind_a_gateway(&interceptors);

    println!("{revision:12} | {COLUMNS}");
    let direct = run(&TOKENS, &ClientCommand::with_tokens());
    println!("directly     | {direct}");
    let through = run(&TOKENS, &client);
    println!("through      | {through}");
    assert_eq!(direct.scenarios_with("FAILURE"), [""; 0]);
    assert_eq!(
        through.scenarios_with("FAILURE"),
        ["metadata-default", "resource-mismatch"]
    );
    let alike = |verdicts: Verdicts| {
        verdicts
            .without(&[("metadata-default", RESOURCE)])
            .without_scenario("resource-mismatch")
    };
    let (direct, through) = (alike(direct), alike(through));
    assert!(
        through == direct,
        "Only directly:\n{}\nOnly through the gateway:\n{}",
        direct.missing_from(&through),
        through.missing_from(&direct)
    );
    assert!(direct.count("SUCCESS") > 35, "{direct}");
}
