//! Candidates that misbehave: nobody notices but those who count.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::Gateway;

use crate::candidate::{ask, desk, settled};

const GUESTS: [&str; 14] = [
    "amplifies",
    "exits",
    "floods-findings",
    "floods-host-calls",
    "floods-stderr",
    "floods-the-log",
    "hoards",
    "huge-output",
    "loops",
    "own-error",
    "panics",
    "recurses",
    "sleeps",
    "traps",
];

/// The file of a guest.
fn guest(folder: &Path, name: &str) -> std::path::PathBuf {
    let file = folder.join(format!("{name}.wasm"));
    std::fs::write(&file, sandgate_guests::find(name).unwrap().bytes).unwrap();
    file
}

/// Interceptors that let everything pass, each with one of these guests beside it.
fn beside(folder: &Path, guests: &[&str]) -> String {
    let noop = guest(folder, "noop");
    let mut text = String::new();
    for name in guests {
        let file = guest(folder, name);
        let _ = writeln!(
            text,
            "[[interceptors]]\nname = {name:?}\nplugin = {noop:?}\nhooks = [\"pre-call\"]\ntimeout = \"200ms\"\nfail-open = true\n\
             candidate = {{ plugin = {file:?}, queue = 4 }}\n"
        );
    }
    text
}

#[test]
fn each_of_the_zoo_beside_live_ones_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (server, alone) = (desk(), desk());
    let config = beside(folder.path(), &GUESTS);
    let gateway = Gateway::start(&format!("{}{config}", server.config("desk")));
    let without = Gateway::start(&alone.config("desk"));
    for _ in 0..5 {
        for tool in ["mail", "open"] {
            assert_eq!(ask(&gateway, tool), ask(&without, tool), "{tool}");
        }
    }
    for name in GUESTS {
        let seen = settled(&gateway, name, 10);
        let number = |key: &str| seen[key].as_u64().unwrap();
        let met = number("differs") + number("failed") + number("dropped");
        assert!(met > 0, "{name} did not misbehave: {seen}");
    }
    assert_eq!(ask(&gateway, "open"), ask(&without, "open"));
}

#[test]
fn one_that_never_ends_holds_up_no_call_timed() {
    let folder = tempfile::tempdir().unwrap();
    let server = desk();
    let with = beside(folder.path(), &["loops"]);
    let candidate = with.find("candidate").unwrap();
    let alone = format!("{}\n", &with[..candidate]);
    let slow = Gateway::start(&format!("{}{with}", server.config("desk")));
    let quick = Gateway::start(&format!("{}{alone}", server.config("desk")));
    let times = |gateway: &Gateway| {
        let mut times: Vec<Duration> = (0..150)
            .map(|_| {
                let began = Instant::now();
                ask(gateway, "open");
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    times(&quick);
    let (without, with) = (times(&quick), times(&slow));
    assert!(
        with < without * 2 + Duration::from_millis(5),
        "{without:?} without, {with:?} with it"
    );
    let seen = settled(&slow, "loops", 150);
    assert!(seen["dropped"].as_u64() > Some(50), "{seen}");
}
