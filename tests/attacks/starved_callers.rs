//! One caller at its limits, and another who wants to work.

use std::io::Read;
use std::net::TcpStream;
use std::time::Instant;

use harness::{FakeServer, Reply, Speaker};

use crate::callers::{Callers, SOON, wait_until, works};

/// Never answers a call of the tool `hang`.
fn hanging() -> FakeServer {
    FakeServer::http_with(|heard| {
        if heard.body.windows(4).any(|part| part == b"hang") {
            std::thread::sleep(3 * SOON);
        }
        match works().answer(&heard.body).pop() {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        }
    })
}

fn ada_works(callers: &Callers) {
    let began = Instant::now();
    let (status, said) = callers.call(&callers.ada, "fake", "x");
    assert_eq!(status, 200, "{said}");
    assert!(!said.contains("\"error\""), "{said}");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn sessions_of_one_caller_leave_room_for_anothers() {
    let server = FakeServer::http(works());
    let callers = Callers::start("max-sessions = 16", "", &server.config("fake"));
    let begun = (0..20).filter_map(|_| callers.begin(&callers.eve, "fake"));
    assert_eq!(begun.count(), 8, "half of them");
    for _ in 0..4 {
        assert!(callers.begin(&callers.ada, "fake").is_some());
    }
}

#[test]
fn requests_under_way_of_one_caller_leave_room_for_anothers() {
    let server = hanging();
    let callers = Callers::start("max-requests = 8", "", &server.config("fake"));
    let held: Vec<TcpStream> = (0..12)
        .map(|_| callers.leave_open(&callers.eve, "fake", "hang"))
        .collect();
    wait_until("the calls are under way", || {
        server.heard_with("hang").len() >= 4
    });
    let (status, _) = callers.call(&callers.eve, "fake", "x");
    assert_eq!(status, 503);
    ada_works(&callers);
    drop(held);
}

#[test]
fn places_at_a_server_that_one_caller_fills_are_not_anothers() {
    let server = hanging();
    let servers = server.config("fake") + "max-concurrent = 4\n";
    let callers = Callers::start("", "", &servers);
    let held: Vec<TcpStream> = (0..8)
        .map(|_| callers.leave_open(&callers.eve, "fake", "hang"))
        .collect();
    wait_until("the calls are under way", || {
        server.heard_with("hang").len() >= 2
    });
    ada_works(&callers);
    drop(held);
}

#[test]
fn children_of_one_callers_sessions_leave_room_for_anothers() {
    let server = FakeServer::stdio(&works());
    let servers = server.config("fake") + "max-children = 4\n";
    let callers = Callers::start("", "", &servers);
    let begun = (0..6).filter_map(|_| callers.begin(&callers.eve, "fake"));
    assert_eq!(begun.count(), 2);
    assert!(callers.begin(&callers.ada, "fake").is_some());
}

#[test]
fn streams_on_which_one_caller_listens_leave_room_for_anothers() {
    let server = FakeServer::http(works());
    // The merged endpoint has a stream of the gateway's own for each session.
    let callers = Callers::start("max-listeners = 4", "", &server.config("fake"));
    let listen = |token: &str| {
        let session = callers.begin(token, "").unwrap();
        let url = callers.gateway.mcp("");
        let headers = [
            ("authorization", token),
            ("accept", "text/event-stream"),
            ("mcp-session-id", session.as_str()),
        ];
        harness::request("GET", &url, &headers, b"")
    };
    let held: Vec<_> = (0..3).map(|_| listen(&callers.eve)).collect();
    let statuses: Vec<u16> = held.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [200, 200, 503]);
    assert_eq!(listen(&callers.ada).status, 200);
}

#[test]
fn a_caller_with_a_rate_is_told_when_to_come_again_and_no_other_is() {
    let server = FakeServer::http(works());
    let callers = Callers::start("", "rate = \"5/s\"", &server.config("fake"));
    let mut refused = None;
    for _ in 0..20 {
        let said = callers.send(&callers.eve, "fake", &[], Speaker::INITIALIZE);
        if said.status == 429 {
            refused = Some(said);
            break;
        }
    }
    let refused = refused.expect("twenty requests within a second were all let in");
    assert_eq!(refused.header("retry-after"), Some("1"));
    for _ in 0..20 {
        ada_works(&callers);
    }
}

#[test]
fn a_caller_whose_requests_fill_the_memory_is_refused_and_another_is_not() {
    let server = hanging();
    let callers = Callers::start("max-memory = \"64MiB\"", "", &server.config("fake"));
    // Each counts as at least twice its text, for as long as the call is under way.
    let filler = "x".repeat(3_500_000);
    let held: Vec<TcpStream> = (0..8)
        .map(|_| callers.leave_open_with(&callers.eve, "fake", "hang", &filler))
        .collect();
    wait_until("some are under way", || {
        server.heard_with("hang").len() >= 3
    });
    let mut refused = callers.leave_open_with(&callers.eve, "fake", "hang", &filler);
    let mut status = [0; 12];
    refused.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 503");
    ada_works(&callers);
    drop(held);
}
