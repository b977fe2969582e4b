//! How the gateway ends, asked and unasked: what is under way is finished, and no process of its making outlives it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Chunk, Envelope, Era, FakeServer, Front, Gateway, Over, Reply, Script, Speaker};
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::Value;

const CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"slow","arguments":{}}}"#;
/// A server that neither answers nor ends by itself: it knows no end of input and no request to end.
const STUBBORN: &str = "[servers.stubborn]\ncommand = \"sh\"\nargs = [\"-c\", \"trap '' TERM HUP INT; while :; do sleep 0.2; done\"]\n";

#[test]
fn asked_to_end_it_finishes_what_is_under_way() {
    for streamed in [false, true] {
        let (server, release) = held(streamed);
        let talker = FakeServer::stdio(&Script::new());
        let mut gateway = Gateway::start(&format!(
            "{}\n{}",
            server.config("fake"),
            talker.config("talker")
        ));
        let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
        // A child of its own for a session, and the one that modern callers share.
        let _session = Speaker::open(&gateway.mcp("talker"), Era::Legacy);
        assert_eq!(
            Speaker::open(&gateway.mcp("talker"), Era::Modern)
                .say(DISCOVER)
                .len(),
            1
        );
        let children = descendants(gateway.process.id());
        assert!(children.len() >= 2, "{children:?}");
        let mut listening = Speaker::open(&gateway.mcp("talker"), Era::Legacy).listen();

        let calling = thread::spawn(move || speaker.say(CALL));
        server.wait_for("\"slow\"", 1);
        gateway.process.signal(Signal::TERM);
        let address = gateway.url.trim_start_matches("http://").to_owned();
        await_that("nobody is let in any more", || {
            TcpStream::connect(&address).is_err()
        });
        assert_eq!(
            listening.next_event(),
            None,
            "a stream that would never end ends now"
        );
        assert!(
            gateway.process.wait(Duration::from_millis(300)).is_none(),
            "a call is under way"
        );
        release.send(()).unwrap();

        let answers = calling.join().unwrap();
        let reply: Value = serde_json::from_slice(answers.last().unwrap()).unwrap();
        assert_eq!(
            (&reply["id"], &reply["result"]["done"]),
            (&7.into(), &true.into()),
            "{reply}"
        );
        let status = gateway.process.wait(Duration::from_secs(20));
        assert_eq!(
            status.and_then(|status| status.code()),
            Some(0),
            "{}",
            gateway.log()
        );
        assert_eq!(alive(&children), BTreeSet::new());
    }
}

#[test]
fn a_lame_duck_serves_on_and_is_not_ready() {
    let server = FakeServer::http(Script::new().on(
        "tools/call",
        &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"done":true}}"#],
    ));
    let mut gateway = Gateway::start(&format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\nlame-duck = \"3s\"\n\n{}",
        server.config("fake")
    ));
    assert_eq!(gateway.readiness()["ready"], true);
    let before = Instant::now();
    gateway.process.signal(Signal::TERM);
    await_that("it is not ready any more", || {
        gateway.readiness()["ready"] == false
    });
    let answers = Speaker::open(&gateway.mcp("fake"), Era::Legacy).say(CALL);
    assert_eq!(answers.len(), 1, "new connections are served");
    let status = gateway.process.wait(Duration::from_secs(20));
    let log = gateway.log();
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{log}");
    assert!(before.elapsed() >= Duration::from_secs(3), "{log}");
}

#[test]
fn what_takes_too_long_is_cut_and_recorded() {
    let (server, _release) = held(false);
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\ndrain-timeout = \"500ms\"\n\n{}\n{STUBBORN}",
        server.config("fake")
    );
    let mut gateway = Gateway::start(&config);
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let calls = [
        ask_in_background(&gateway.mcp("stubborn"), Speaker::INITIALIZE),
        thread::spawn(move || drop(std::panic::catch_unwind(|| speaker.say(CALL)))),
    ];
    server.wait_for("\"slow\"", 1);
    await_that("the stubborn one runs", || {
        !descendants(gateway.process.id()).is_empty()
    });
    let children = descendants(gateway.process.id());
    let before = Instant::now();
    let status = gateway.stop(Duration::from_secs(20));
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "{}",
        gateway.log()
    );
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
    assert_eq!(alive(&children), BTreeSet::new());
    for call in calls {
        call.join().unwrap();
    }
    let log = gateway.process.output();
    let cut = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cut: Vec<_> = cut
        .filter(|record| record["record"] == "ended" && record["target"] == "slow")
        .collect();
    assert_eq!(cut.len(), 1, "{log}");
    assert_eq!(cut[0]["decision"], "cancelled", "{log}");
}

#[test]
fn killed_it_leaves_nobody_behind() {
    let talker = FakeServer::stdio(&Script::new());
    let mut gateway = Gateway::start(&format!("{STUBBORN}\n{}", talker.config("talker")));
    let calls = [ask_in_background(
        &gateway.mcp("stubborn"),
        Speaker::INITIALIZE,
    )];
    let _session = Speaker::open(&gateway.mcp("talker"), Era::Legacy);
    await_that("both run", || children(gateway.process.id()).len() >= 2);
    let mine = descendants(gateway.process.id());
    gateway.process.signal(Signal::KILL);
    assert!(gateway.process.wait(Duration::from_secs(10)).is_some());
    await_that("everybody is gone", || alive(&mine).is_empty());
    for call in calls {
        call.join().unwrap();
    }
}

#[test]
fn a_client_on_stdio_that_goes_takes_everybody_with_it() {
    let talker = FakeServer::stdio(&Script::new());
    let front = Front::of_gateway(Over::Stdio, Era::Legacy, &talker.config("fake"));
    let Front::Stdio(mut pipe) = front else {
        unreachable!("it was asked for")
    };
    let mine = descendants(pipe.process.id());
    assert!(!mine.is_empty());
    pipe.hang_up();
    let status = pipe.process.wait(Duration::from_secs(20));
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "{}",
        pipe.process.log()
    );
    await_that("everybody is gone", || alive(&mine).is_empty());
}

const DISCOVER: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// A server that answers calls once it is told to: in a stream, after its first event.
fn held(streamed: bool) -> (FakeServer, Sender<()>) {
    let (release, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let server = FakeServer::http_with(move |heard| {
        if heard.verb != "POST" {
            return Reply::Status(405, "text/plain", Vec::new());
        }
        let message = Envelope::of(&heard.body);
        if message.method.as_deref() != Some("tools/call") {
            return match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            };
        }
        let gate = gate.lock().take().expect("one call");
        let reply = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"done":true}}}}"#,
            message.id.unwrap()
        );
        if streamed {
            let event = format!("data: {reply}\n\n").into_bytes();
            return Reply::Stream(vec![
                Chunk::Bytes(b": at work\n\n".into()),
                Chunk::Wait(gate),
                Chunk::Bytes(event),
            ]);
        }
        let _ = gate.recv_timeout(Duration::from_secs(60));
        Reply::Json(reply.into())
    });
    (server, release)
}

/// Asks what will not be answered.
fn ask_in_background(url: &str, message: &'static [u8]) -> thread::JoinHandle<()> {
    let url = url.to_owned();
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    thread::spawn(move || {
        drop(std::panic::catch_unwind(|| {
            harness::request("POST", &url, &headers, message).status
        }))
    })
}

fn await_that(what: &str, reached: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !reached() {
        assert!(Instant::now() < until, "not in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Everybody whom this process started, and whom they did.
fn descendants(pid: u32) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    let mut todo = vec![pid];
    while let Some(parent) = todo.pop() {
        for child in children(parent) {
            if all.insert(child) {
                todo.push(child);
            }
        }
    }
    all
}

fn children(pid: u32) -> BTreeSet<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|&number| status(number).is_some_and(|(_, parent)| parent == pid))
        .collect()
}

/// Those who still run. One that has ended and whom nobody asked how is no process any more.
fn alive(pids: &BTreeSet<u32>) -> BTreeSet<u32> {
    pids.iter()
        .copied()
        .filter(|&pid| status(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X')))
        .collect()
}

/// A process's state and parent.
fn status(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    let mut rest = stat[stat.rfind(')')? + 2..].split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}
