//! Connections that cost the gateway and not the client.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use harness::{FakeServer, Gateway};

use crate::callers::{Callers, SOON, connect, get, raise_open_files, works};

/// More than `max-connections` is by default.
const MANY: usize = 1_100;
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// HTTP/2's preface, and an empty frame of settings.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// As many idle connections as an attacker opens before the gateway does anything about them.
fn crowd(gateway: &Gateway, said: &[u8]) -> Vec<TcpStream> {
    raise_open_files();
    (0..MANY)
        .map(|_| {
            let mut stream = connect(gateway, HERE);
            // One that the gateway has closed already is as good.
            let _ = stream.write_all(said);
            stream
        })
        .collect()
}

#[test]
fn idle_http2_connections_lock_nobody_out() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let held = crowd(&gateway, HTTP2);
    for (from, path) in [
        (HERE, "/healthz"),
        (HERE, "/readyz"),
        (ELSEWHERE, "/healthz"),
    ] {
        assert_eq!(get(&gateway, from, path), Some(200), "{path} from {from}");
    }
    // A request of the attacker's own address finds a place too: idle connections give way.
    assert_eq!(get(&gateway, HERE, "/mcp/fake"), Some(405));
    drop(held);
}

#[test]
fn half_a_request_on_each_of_many_connections_locks_nobody_out() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let held = crowd(&gateway, b"POST /mcp/fake HTTP/1.1\r\nHost: ");
    assert_eq!(get(&gateway, HERE, "/healthz"), Some(200));
    assert_eq!(get(&gateway, ELSEWHERE, "/mcp/fake"), Some(405));
    drop(held);
}

#[test]
fn connections_without_a_key_do_not_lock_out_a_client_with_one() {
    let server = FakeServer::http(works());
    let callers = Callers::start("", "", &server.config("fake"));
    let held = crowd(&callers.gateway, HTTP2);
    let began = Instant::now();
    let (status, said) = callers.call(&callers.ada, "fake", "x");
    assert_eq!(status, 200, "{said}");
    assert!(began.elapsed() < SOON);
    drop(held);
}

#[test]
fn a_client_that_keeps_its_connections_busy_leaves_room_for_another_at_its_address() {
    raise_open_files();
    let silent = FakeServer::http_with(|heard| {
        if heard.body.windows(4).any(|part| part == b"hang") {
            std::thread::sleep(3 * SOON);
        }
        harness::Reply::Json(works().answer(&heard.body).pop().unwrap_or_default())
    });
    let callers = Callers::start("max-connections = 64", "", &silent.config("fake"));
    let held: Vec<TcpStream> = (0..80)
        .map(|_| callers.leave_open(&callers.eve, "fake", "hang"))
        .collect();
    let began = Instant::now();
    let (status, said) = callers.call(&callers.ada, "fake", "x");
    assert_eq!(status, 200, "{said}");
    assert!(began.elapsed() < SOON);
    drop(held);
}

#[test]
fn an_http2_connection_without_requests_is_closed_after_its_time() {
    let server = FakeServer::http(works());
    let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\nconnection-idle-timeout = \"200ms\"\n";
    let gateway = Gateway::start(&format!("{listen}{}", server.config("fake")));
    let mut stream = connect(&gateway, HERE);
    stream.write_all(HTTP2).unwrap();
    let (mut said, began) = (Vec::new(), Instant::now());
    // Settings, GOAWAY, and the end, though the connection is not idle for the transport: it acknowledges.
    stream.write_all(b"\0\0\0\x04\x01\0\0\0\0").unwrap();
    stream.read_to_end(&mut said).unwrap();
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[test]
fn an_address_that_a_client_invents_is_believed_of_nobody_but_a_trusted_proxy() {
    let server = FakeServer::http(works());
    let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\ntrusted-proxies = [\"127.0.0.9\"]\n[gateway.limits]\nmax-sessions = 2\n";
    let gateway = Gateway::start(&format!("{listen}{}", server.config("fake")));
    let begin = |from: Ipv4Addr, forwarded: &str| {
        let mut stream = connect(&gateway, from);
        let host = gateway.url.trim_start_matches("http://");
        let body = harness::Speaker::INITIALIZE;
        let head = format!(
            "POST /mcp/fake HTTP/1.1\r\nHost: {host}\r\nForwarded: {forwarded}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(begin(HERE, "for=192.0.2.1"), 200);
    assert_eq!(
        begin(HERE, "for=192.0.2.2"),
        503,
        "the same caller by another name"
    );
    assert_eq!(begin(Ipv4Addr::new(127, 0, 0, 9), "for=192.0.2.2"), 200);
}
