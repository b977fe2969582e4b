//! Ten thousand calls with 32 in flight, streams among them, across fifty changes of the configuration, good and bad: no
//! call fails, each is under one version from its first interceptor to its last, every good version serves and no bad one
//! does.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod callers;
mod records;
mod upstream;

use std::time::Duration;

use harness::{Era, FakeServer, Gateway, Save, Speaker};

use callers::{Callers, is_served, listen};
use records::Records;
use upstream::Upstream;

const CHANGES: u64 = 50;
const CALLS: usize = 10_000;
const IN_FLIGHT: usize = 32;
/// Of these, so many are streams that stay open until the next change is in force.
const STREAMS: usize = 4;
/// How long the server takes over a call, so that every change meets calls in flight.
const WORK: Duration = Duration::from_millis(100);

#[test]
fn ten_thousand_calls_across_fifty_changes() {
    let upstream = Upstream::default();
    let server = upstream.clone().serve();
    let folder = tempfile::tempdir().unwrap();
    let noop = sandgate_guests::find("noop").unwrap().bytes;
    let half = folder.path().join("half.wasm");
    std::fs::write(&half, &noop[..noop.len() / 2]).unwrap();
    let bad = [
        ("plugin = \"builtin:allow-tools\"\nsettings = {", "not TOML"),
        (
            "plugin = \"builtin:allow-nothing\"",
            "no builtin:allow-nothing",
        ),
        (
            "plugin = \"builtin:allow-tools\"\nsettings = { rules = [{ who = [\"*\"], allow = [3] }] }",
            "rules",
        ),
        (&format!("plugin = {half:?}"), "damaged"),
    ];

    let mut gateway = Gateway::start(&good(&server, 1));
    let callers = Callers::start(&gateway.mcp("fake"));
    let listener = listen(&gateway.mcp("fake"));
    let prober = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let file = gateway.config_file();
    let mut version = 1;
    for change in 0..CHANGES {
        let way = Save::WAYS[(change % 3) as usize];
        if change % 2 == 0 {
            version += 1;
            way.write(&file, good(&server, version).as_bytes());
            gateway.await_version(version);
            let (mine, before) = (format!("only-{version}"), format!("only-{}", version - 1));
            assert!(is_served(&prober, &mine), "{mine} under version {version}");
            assert!(
                !is_served(&prober, &before),
                "{before} under version {version}"
            );
        } else {
            let (text, why) = bad[(change / 2 % 4) as usize];
            way.write(
                &file,
                with(
                    &server,
                    &format!("[[interceptors]]\nname = \"bad\"\n{text}\n"),
                )
                .as_bytes(),
            );
            let said = gateway.await_reload_error();
            assert!(said.contains(why), "{why:?} is not in {said:?}");
            assert_eq!(gateway.version(), version, "{said}");
        }
        upstream.release();
    }
    let calls = callers.finish(&upstream);
    let stopped = gateway.stop(Duration::from_secs(30));
    assert!(
        stopped.is_some_and(|status| status.success()),
        "{stopped:?}\n{}",
        gateway.log()
    );
    let notices = listener.join().unwrap();
    assert_eq!(
        notices,
        version as usize - 1,
        "one notice for each good change, on a stream that lasted"
    );

    let records = Records::read(&gateway.process.output());
    assert_eq!(
        records.versions,
        (1..=version).collect(),
        "every good version served, and nothing else did"
    );
    assert_eq!(
        records.calls,
        calls + 2 * (version as usize - 1),
        "a record for each call"
    );
    assert_eq!(
        records.refused,
        version as usize - 1,
        "only what was meant to be refused was"
    );
}

/// A configuration whose interceptors bear its number, and let one tool more be called.
fn good(server: &FakeServer, number: u64) -> String {
    let interceptors = format!(
        r#"
[[interceptors]]
name = "allow-{number}"
plugin = "builtin:allow-tools"
timeout = "20s"
settings = {{ rules = [{{ who = ["*"], allow = ["fake/work", "fake/stream", "fake/only-{number}"] }}] }}

[[interceptors]]
name = "scrub-{number}"
plugin = "builtin:pii-scrubber"
timeout = "20s"
settings = {{ entities = ["email"] }}
"#
    );
    with(server, &interceptors)
}

fn with(server: &FakeServer, interceptors: &str) -> String {
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n{interceptors}",
        server.config("fake")
    )
}
