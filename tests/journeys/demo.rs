//! `sandgate demo`, as somebody sees it who has just built it. What it prints stands in `demo.txt`, numbers and places
//! aside: `BLESS=1` writes it anew.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Process, request, sandgate};

/// Policies are compiled the first time, in a debug build perhaps, beside other tests.
const PATIENCE: Duration = Duration::from_secs(240);

/// Starts it with a folder of its own for what it leaves behind.
fn demo(arguments: &[&str]) -> (Process, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(sandgate());
    command
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", folder.path())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    (Process::start(&mut command), folder)
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}

#[test]
fn it_comes_out_as_told() {
    let (mut demo, folder) = demo(&[]);
    let status = demo.wait(PATIENCE);
    let (shown, log) = (demo.output(), demo.log());
    assert!(
        status.is_some_and(|status| status.success()),
        "{status:?}\n{shown}\n{log}"
    );
    assert_golden(&plain(&shown));
    for line in shown.lines() {
        let is_a_path = line.contains(&*folder.path().to_string_lossy())
            || line.contains(env!("CARGO_TARGET_TMPDIR"));
        assert!(
            is_a_path || line.chars().count() <= 100,
            "wider than 100 columns: {line}"
        );
    }
    assert!(is_empty(folder.path()), "it left something behind");
    // An old kernel is worth a word wherever the gateway starts.
    let mut warnings = log
        .lines()
        .filter(|line| line.contains("WARN") && !line.contains("this kernel"));
    assert_eq!(warnings.next(), None);
}

#[test]
fn kept_up_it_serves_until_told_to_stop() {
    let (mut demo, folder) = demo(&["--serve"]);
    let until = Instant::now() + PATIENCE;
    while !demo.output().contains("Ctrl-C stops") {
        assert!(Instant::now() < until, "{}\n{}", demo.output(), demo.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let shown = demo.output();
    let endpoint = shown.split_once("Listening on ").unwrap().1;
    let endpoint = endpoint.split_once(". ").unwrap().0;
    let ready = request("GET", &endpoint.replace("/mcp", "/readyz"), &[], b"");
    assert_eq!(ready.status, 200);
    let readiness: serde_json::Value = serde_json::from_slice(&ready.body()).unwrap();
    assert_eq!(readiness["lastReloadError"], serde_json::Value::Null);
    let status = demo.stop(Duration::from_secs(20));
    assert!(
        status.is_some_and(|status| status.success()),
        "{status:?}\n{}",
        demo.log()
    );
    assert!(is_empty(folder.path()), "it left something behind");
}

#[track_caller]
fn assert_golden(shown: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/demo.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, shown).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    for (n, (line, expected)) in shown.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            line,
            expected,
            "line {} differs; BLESS=1 writes it anew:\n{shown}",
            n + 1
        );
    }
    assert_eq!(
        shown.lines().count(),
        expected.lines().count(),
        "the length differs; BLESS=1 writes it anew:\n{shown}"
    );
}

/// Without what differs from run to run: times, sizes, ports, paths, and what only a debug build says.
fn plain(shown: &str) -> String {
    let lines = shown
        .lines()
        .filter(|line| !line.trim_start().starts_with("build "));
    lines.map(|line| plain_line(line) + "\n").collect()
}

fn plain_line(line: &str) -> String {
    for label in ["its files ", "cache "] {
        if line.trim_start().starts_with(label) {
            return format!("   {}PATH", label);
        }
    }
    let (mut plain, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let end = number
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(number.len());
        let (digits, after) = number.split_at(end);
        plain += before;
        if after.starts_with(" µs") {
            // These stand right-aligned.
            plain.truncate(plain.trim_end().len());
            plain += " N";
        } else if after.starts_with(" ms") || after.starts_with(" bytes)") {
            plain += "N";
        } else if plain.ends_with("127.0.0.1:") {
            plain += "PORT";
        } else {
            plain += digits;
        }
        rest = after;
    }
    plain + rest
}

#[test]
fn numbers_and_ports_are_left_out_and_nothing_else() {
    assert_eq!(
        plain_line(
            "   way in   allow    123 µs  a 4 (12 bytes) at http://127.0.0.1:80/mcp 2026-07-28"
        ),
        "   way in   allow N µs  a 4 (N bytes) at http://127.0.0.1:PORT/mcp 2026-07-28"
    );
}
