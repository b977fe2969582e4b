//! The protocol's own conformance suite is the judge: each of its checks comes to the same verdict about a server and
//! about the gateway in front of that server, with an empty pipeline and with interceptors that look at everything and
//! change nothing.
//!
//! The server is ours, on PyPI `mcp` (`tests/peers/servers/conformance.py`), and passes what either revision requires.
//! The suite also runs what no revision requires: of that, the `tasks-*` scenarios fail directly (the library has no
//! tasks), and have to fail in the same way through the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking; the table is printed"
)]

mod fixture;
mod suite;

use fixture::Fixture;
use harness::Gateway;
use suite::{COLUMNS, Verdicts};

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

/// Runs a requirement set three times and compares; gives what it came to directly.
fn the_gateway_changes_no_verdict(requirements: &str) -> Verdicts {
    let fixture = Fixture::start();
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
