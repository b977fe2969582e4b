//! From a save to a decision on live traffic: how long it takes, and that no call notices.

#![allow(clippy::print_stdout, reason = "figures are for whoever reads the log")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use harness::{Gateway, Save};

use crate::plugin_kit::author::{Author, call, gateway, telling_server};
use crate::plugin_kit::dev::{Dev, edit, told};
use crate::plugin_kit::interpreted;

/// Saves of each language; the middle one counts.
const SAVES: usize = 5;
const REPLACED: usize = 200;
const CALLERS: usize = 2;

#[test]
fn a_save_in_rust_is_live_in_seconds_timed() {
    // Three seconds are the goal on a machine of one's own; the bounds are for one with other work.
    saved("rust", "src/lib.rs", ("[email]", "[mail]"), 9.0);
}

#[test]
fn a_save_in_c_is_live_in_a_second_timed() {
    saved(
        "c",
        "src/plugin.c",
        ("\"[email]\", 7", "\"[mail]\", 6"),
        4.0,
    );
}

#[test]
fn a_save_in_python_is_live_in_seconds_timed() {
    saved("python", "plugin.py", ("[email]", "[mail]"), 6.0);
}

#[test]
fn a_save_in_typescript_is_live_in_seconds_timed() {
    saved("ts", "plugin.ts", ("[email]", "[mail]"), 6.0);
}

#[test]
fn a_save_in_go_is_live_in_seconds_timed() {
    // What was compiled before is not compiled again: the first save takes longest.
    saved("go", "plugin.go", ("[email]", "[mail]"), 6.0);
}

fn saved(language: &str, source: &str, words: (&str, &str), bound: f64) {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mask-email", "--lang", language]);
    match language {
        "python" => interpreted::with_python(&author),
        "ts" => interpreted::with_packages(&author),
        "go" => interpreted::with_go(&author),
        _ => {}
    }
    // The one that says which word it is.
    std::fs::remove_file(author.path("mask-email/fixtures/masks-an-address.toml")).unwrap();
    let server = telling_server();
    let gateway = Gateway::start(&server.config("fake"));
    let mut dev = Dev::start(&author, "mask-email", Some(&gateway.config_file()));
    let said = dev.says("version 1");
    let (_, lines) = said.split_once("add these lines:\n\n").unwrap();
    let (lines, _) = lines.split_once("\nmask-email version 1").unwrap();
    let text = std::fs::read_to_string(gateway.config_file()).unwrap();
    let text = format!("{text}\n{lines}\ntimeout = \"20s\"\n");
    std::fs::write(gateway.config_file(), text).unwrap();
    gateway.await_version(2);
    assert_eq!(told(&gateway), "Write to [email].");

    let mut times = Vec::new();
    for round in 0..SAVES {
        let (from, to, word) = match round % 2 {
            0 => (words.0, words.1, "[mail]"),
            _ => (words.1, words.0, "[email]"),
        };
        let before = Instant::now();
        edit(&author, source, from, to);
        let said = dev.says(&format!("version {}", round + 2));
        times.push(before.elapsed().as_secs_f64());
        assert!(said.contains("3 fixtures pass, live in edition"), "{said}");
        assert_eq!(told(&gateway), format!("Write to {word}."));
    }
    assert_eq!(dev.interrupt(), Some(0));
    let log = dev.process.log();
    assert!(!log.contains("Compiling"), "{log}");
    println!("{language}: from save to live, in seconds: {times:.2?}");
    times.sort_by(f64::total_cmp);
    assert!(times[SAVES / 2] <= bound, "{times:.2?}");
}

#[test]
fn two_hundred_saves_of_a_built_file_under_load_fail_no_call_timed() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
    let built = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let plugin = author.path("mask-email/target/mask-email.wasm");
    let bytes = std::fs::read(&plugin).unwrap();
    let server = telling_server();
    let gateway = gateway(&server, &plugin);
    let (done, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let times = std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let reply = call(&gateway, "ls");
                    let text = &reply["result"]["content"][0]["text"];
                    assert_eq!(text, "Write to [email].", "{reply}");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let times: Vec<_> = (0..REPLACED)
            .map(|round| replaced(&gateway, &plugin, &bytes, round))
            .collect();
        done.store(true, Ordering::Relaxed);
        times
    });
    let mut times: Vec<_> = times.iter().map(Duration::as_millis).collect();
    times.sort_unstable();
    println!(
        "{REPLACED} saves of {} KiB in {} calls: {} ms in the middle, {} ms at most",
        bytes.len() >> 10,
        calls.load(Ordering::Relaxed),
        times[REPLACED / 2],
        times[REPLACED - 1]
    );
    // With callers on every core, in a debug build.
    assert!(times[REPLACED / 2] <= 1000, "{times:?}");
}

#[test]
fn a_built_file_of_a_hundred_kilobytes_is_live_at_once_timed() {
    let author = Author::new();
    let bytes = sandgate_guests::find("noop").unwrap().bytes;
    author.write("mine.wasm", "");
    let plugin = author.path("mine.wasm");
    std::fs::write(&plugin, bytes).unwrap();
    let server = telling_server();
    let gateway = gateway(&server, &plugin);
    let times = (0..20).map(|round| replaced(&gateway, &plugin, bytes, round));
    let mut times: Vec<_> = times.map(|time| time.as_millis()).collect();
    println!(
        "a save of {} KiB is live after {times:?} ms",
        bytes.len() >> 10
    );
    times.sort_unstable();
    // A hundred are the goal; this is a debug build, and the command's own start is in it.
    assert!(times[times.len() / 2] <= 500, "{times:?}");
}

/// Saves a version that never was before, and waits until it decides.
fn replaced(gateway: &Gateway, plugin: &Path, bytes: &[u8], round: usize) -> Duration {
    // A section that means nothing makes another file.
    let mut other = bytes.to_vec();
    let name = format!("round-{round:03}");
    other.extend([
        0,
        u8::try_from(name.len()).unwrap() + 1,
        u8::try_from(name.len()).unwrap(),
    ]);
    other.extend(name.as_bytes());
    let before = Instant::now();
    Save::RenameOver.write(plugin, &other);
    let reloaded = gateway.command(&["reload", "--config", "sandgate.toml"]);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    before.elapsed()
}
