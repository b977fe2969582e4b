//! A thousand idle sessions and a thousand subscriptions at once; their servers die, and nothing is left of them. Fifty
//! sessions that share a process.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and this one prints its figures"
)]

mod one_child;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use harness::{Era, Exchange, Figures, Gateway, Process, Speaker};
use rustix::process::{Pid, Signal, kill_process};

const CROWD: usize = 1000;
const LISTEN: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const POKE: &[u8] = br#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"poke","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

fn script() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("journeys/crowd/server.py")
        .display()
        .to_string()
}

/// The server over HTTP, on a port of its choice or the one it had.
fn server(port: u16) -> (Process, u16) {
    let mut command = Command::new("python3");
    let process = Process::start(command.args([script(), "http".into(), port.to_string()]));
    let line = process
        .output_line(0, Duration::from_secs(30))
        .expect("its port");
    let port = String::from_utf8(line).unwrap().parse().unwrap();
    (process, port)
}

/// The next event that says something.
fn said(stream: &mut Exchange) -> Option<serde_json::Value> {
    loop {
        if let Some(data) = stream.next_event()?.data {
            return Some(serde_json::from_slice(&data).unwrap());
        }
    }
}

fn subscribe(url: &str) -> Exchange {
    let mut stream = Speaker::open(url, Era::Modern).post(LISTEN);
    assert_eq!(stream.status, 200);
    let first = said(&mut stream).expect("an acknowledgement");
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
        7
    );
    stream
}

fn hears_of_the_change(stream: &mut Exchange) {
    let note = said(stream).expect("a notification");
    assert_eq!(note["method"], "notifications/tools/list_changed");
}

/// So many of each, each hears of one change, and all go away properly.
fn come_and_go(gateway: &Gateway, crowd: usize) -> Figures {
    let (web, line) = (gateway.mcp("web"), gateway.mcp("line"));
    let sessions: Vec<Speaker> = (0..crowd)
        .map(|_| Speaker::open(&web, Era::Legacy))
        .collect();
    let mut listening: Vec<Exchange> = sessions.iter().map(Speaker::listen).collect();
    let mut subscribed: Vec<Exchange> = (0..crowd)
        .map(|n| subscribe(if n % 2 == 0 { &web } else { &line }))
        .collect();
    let figures = Figures::of(gateway.process.id());
    for url in [&web, &line] {
        assert_eq!(Speaker::open(url, Era::Modern).post(POKE).status, 200);
    }
    for stream in listening.iter_mut().chain(&mut subscribed) {
        hears_of_the_change(stream);
    }
    for session in &sessions {
        assert_eq!(session.end().status, 200);
    }
    figures
}

#[test]
fn a_thousand_sessions_and_a_thousand_subscriptions_leave_nothing_behind_timed() {
    let (mut web, port) = server(0);
    let script = script();
    let gateway = Gateway::start(&format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
[gateway.limits]
max-connections = 5000
max-sessions = 2000
[servers.web]
url = "http://127.0.0.1:{port}/mcp"
[servers.line]
command = "python3"
args = ["-u", {script:?}, "stdio"]
"#
    ));
    let pid = gateway.process.id();
    // What is made once is made now: pools, buffers, the child.
    come_and_go(&gateway, 50);
    let before = Figures::settled(pid, |_| true);
    assert_eq!(before.children.len(), 1, "{before:?}");

    let full = come_and_go(&gateway, CROWD);
    let after = Figures::settled(pid, |now| now.files <= before.files + 8);
    println!(
        "before {before}; with {CROWD} sessions and {CROWD} subscriptions {full}; after {after}"
    );
    assert!(
        after.files <= before.files + 8,
        "{} files are still open, {} before",
        after.files,
        before.files
    );
    assert_eq!(after.children, before.children);
    let each = full.resident.saturating_sub(before.resident) / (2 * CROWD as u64);
    assert!(each <= 96 << 10, "{} KiB for each", each >> 10);

    // Again, and this time the servers die under them.
    let (url, line) = (gateway.mcp("web"), gateway.mcp("line"));
    let sessions: Vec<Speaker> = (0..CROWD)
        .map(|_| Speaker::open(&url, Era::Legacy))
        .collect();
    let listening: Vec<Exchange> = sessions.iter().map(Speaker::listen).collect();
    let subscribed: Vec<Exchange> = (0..CROWD)
        .map(|n| subscribe(if n % 2 == 0 { &url } else { &line }))
        .collect();
    web.signal(Signal::KILL);
    web.wait(Duration::from_secs(10)).expect("it is dead");
    for child in Figures::of(pid).children {
        kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
    }
    for mut stream in subscribed {
        let last = said(&mut stream).expect("an error");
        assert_eq!(
            (&last["id"], &last["error"]["code"]),
            (&7.into(), &(-32000).into()),
            "{last}"
        );
        assert_eq!(said(&mut stream), None);
    }
    for mut stream in listening {
        assert_eq!(said(&mut stream), None);
    }
    for session in &sessions {
        assert!(matches!(session.end().status, 200 | 404));
    }
    let gone = Figures::settled(pid, |now| {
        now.files <= before.files + 8 && now.children.len() <= 1
    });
    println!("after their servers died {gone}");
    assert!(
        gone.files <= before.files + 8,
        "{gone:?}, before {before:?}"
    );
    assert!(gone.children.len() <= 1, "{gone:?}");
    // The next crowd is served, and needs hardly more memory than the last: what the allocator keeps, it uses again. A
    // crowd takes about 160 MiB; how much of it is in flight at once depends on the machine.
    let (_web, _) = server(port);
    let again = come_and_go(&gateway, CROWD);
    println!("and with another {CROWD} of each {again}");
    assert!(
        again.resident <= gone.resident + (48 << 20),
        "{again:?}, {gone:?} before"
    );
}
