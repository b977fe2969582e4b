//! What clients send that is no message, or comes from where it must not: a 4xx, and nothing is forwarded.

use harness::{Era, FakeServer, Front, Gateway, Over, Script, request};
use serde_json::Value;

const PLAIN: [(&str, &str); 5] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "x"),
];
/// A message that passes; `ARGUMENTS` stands for what may be wrong in it.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":ARGUMENTS,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

struct Door {
    server: FakeServer,
    gateway: Gateway,
}

impl Door {
    fn new() -> Self {
        let answer = r#"{"jsonrpc":"2.0","id":@ID@,"result":{}}"#;
        let server = FakeServer::http(Script::new().on("tools/call", &[answer]));
        let gateway = Gateway::start(&server.config("fake"));
        Self { server, gateway }
    }

    /// Sends it to the one server and to all of them: the status is this one, and nobody hears of it.
    #[track_caller]
    fn refuses(&self, what: &str, headers: &[(&str, &str)], body: &[u8], status: u16) {
        for endpoint in ["fake", ""] {
            let reply = request("POST", &self.gateway.mcp(endpoint), headers, body);
            let (got, said) = (
                reply.status,
                String::from_utf8_lossy(&reply.body()).into_owned(),
            );
            assert_eq!(got, status, "{what} at /mcp/{endpoint}: {said}");
            assert!(!said.is_empty(), "{what}: nothing was said");
        }
        assert_eq!(self.server.heard(), [], "{what} was forwarded");
    }

    /// After all that it still serves.
    fn still_serves(&self) {
        let body = CALL.replace("ARGUMENTS", "{}");
        let reply = request("POST", &self.gateway.mcp("fake"), &PLAIN, body.as_bytes());
        assert_eq!(reply.status, 200);
        assert_eq!(self.server.heard().len(), 1);
    }
}

fn call(arguments: &str) -> Vec<u8> {
    CALL.replace("ARGUMENTS", arguments).into_bytes()
}

#[test]
fn what_is_no_message() {
    let door = Door::new();
    let mut not_utf8 = call("{\"a\":\"?\"}");
    let at = not_utf8.iter().position(|&byte| byte == b'?').unwrap();
    not_utf8[at] = 0xff;
    let deep = call(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    for (what, body) in [
        ("nothing", Vec::new()),
        ("half a message", br#"{"jsonrpc":"2.0","id":1,"#.to_vec()),
        ("two messages", [call("{}"), call("{}")].concat()),
        ("duplicate keys", call(r#"{"a":1,"a":2}"#)),
        ("duplicate keys, one escaped", call(r#"{"a":1,"\u0061":2}"#)),
        (
            "a second method",
            call("{}").replacen(b"\"id\":1", b"\"id\":1,\"method\":\"ping\""),
        ),
        (
            "a method in capitals",
            call("{}").replacen(b"\"method\"", b"\"Method\""),
        ),
        ("bytes that are no UTF-8", not_utf8),
        ("half a surrogate pair", call(r#"["\ud800"]"#)),
        ("a hundred thousand levels", deep),
        (
            "a null id",
            call("{}").replacen(b"\"id\":1", b"\"id\":null"),
        ),
        (
            "another JSON-RPC",
            call("{}").replacen(b"\"2.0\"", b"\"1.0\""),
        ),
        ("a batch", [b"[".as_slice(), &call("{}"), b"]"].concat()),
        ("a text", b"\"tools/call\"".to_vec()),
    ] {
        door.refuses(what, &PLAIN, &body, 400);
    }
    door.still_serves();
}

#[test]
fn what_is_too_large() {
    let door = Door::new();
    let large = call(&format!("\"{}\"", "x".repeat(4 << 20)));
    door.refuses("5 MB", &PLAIN, &large, 413);
    // Announced, refused before it is sent.
    let announced = [&PLAIN[..], &[("content-length", "10000000")]].concat();
    door.refuses("10 MB announced", &announced, b"{", 413);
    let chunked = [&PLAIN[..], &[("transfer-encoding", "chunked")]].concat();
    let body = [
        format!("{:x}\r\n", large.len()).as_bytes(),
        &large,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    door.refuses("5 MB without a length", &chunked, &body, 413);
    door.still_serves();
}

#[test]
fn what_is_declared_as_something_else() {
    let door = Door::new();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/jsonp",
    ] {
        let headers = with("content-type", kind);
        door.refuses(kind, &headers, &call("{}"), 415);
    }
    let headers: Vec<_> = PLAIN[1..].to_vec();
    door.refuses("no type", &headers, &call("{}"), 415);
    let headers = [&PLAIN[..], &[("content-encoding", "gzip")]].concat();
    door.refuses("compressed", &headers, &call("{}"), 415);
    door.refuses(
        "Accept without events",
        &with("accept", "application/json"),
        &call("{}"),
        406,
    );
    door.still_serves();
}

#[test]
fn who_comes_from_elsewhere() {
    let door = Door::new();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1.evil.example"),
        ("host", "evil.example"),
        ("host", "evil.example:80"),
        ("host", "localhost.evil.example"),
        ("host", ""),
    ] {
        let headers = [&PLAIN[..], &[(name, value)]].concat();
        door.refuses(&format!("{name}: {value}"), &headers, &call("{}"), 403);
        let reply = request("GET", &door.gateway.mcp("fake"), &headers, b"");
        assert_eq!(reply.status, 403, "GET with {name}: {value}");
    }
    let headers = [
        &PLAIN[..],
        &[
            ("origin", "http://localhost"),
            ("origin", "https://evil.example"),
        ],
    ]
    .concat();
    door.refuses("two origins", &headers, &call("{}"), 403);
    door.still_serves();
}

#[test]
fn headers_that_disagree() {
    let door = Door::new();
    for (name, value) in [
        ("mcp-method", "tools/list"),
        ("mcp-name", "y"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-name", "=?base64?!?="),
    ] {
        door.refuses(
            &format!("{name}: {value}"),
            &with(name, value),
            &call("{}"),
            400,
        );
        let twice = [&PLAIN[..], &[(name, value)]].concat();
        door.refuses(&format!("{name} twice"), &twice, &call("{}"), 400);
        let without: Vec<_> = PLAIN.into_iter().filter(|(key, _)| *key != name).collect();
        door.refuses(&format!("no {name}"), &without, &call("{}"), 400);
    }
    let body = call("{}");
    let (length, other) = (body.len().to_string(), (body.len() - 1).to_string());
    for headers in [
        [
            ("content-length", length.as_str()),
            ("transfer-encoding", "chunked"),
        ],
        [("content-length", &length), ("content-length", &other)],
        [("transfer-encoding", "gzip"), ("content-length", &length)],
    ] {
        let reply = request(
            "POST",
            &door.gateway.mcp("fake"),
            &[&PLAIN[..], &headers].concat(),
            &body,
        );
        assert!(
            (400..500).contains(&reply.status),
            "{headers:?}: {}",
            reply.status
        );
        assert_eq!(door.server.heard(), [], "{headers:?}");
    }
    door.still_serves();
}

#[test]
fn a_session_that_is_not_there() {
    let door = Door::new();
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;
    let legacy: Vec<_> = PLAIN[..2].to_vec();
    door.refuses("no session", &legacy, body, 400);
    for session in ["fake-session", "", "../x"] {
        let headers = [&legacy[..], &[("mcp-session-id", session)]].concat();
        door.refuses(session, &headers, body, 404);
    }
    door.still_serves();
}

#[test]
fn on_stdio_a_line_that_is_no_message_is_answered_and_the_next_one_served() {
    let server = FakeServer::stdio(&Script::new().on(
        "tools/call",
        &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{}}"#],
    ));
    let front = Front::of_gateway(Over::Stdio, Era::Legacy, &server.config("fake"));
    let Front::Stdio(mut pipe) = front else {
        unreachable!("it was asked for")
    };
    let heard = server.wait_for("jsonrpc", 2).len();
    for line in [
        &b"nonsense"[..],
        br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call"}"#,
        br#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]"#,
        &[b"\"".as_slice(), &vec![b'x'; 5 << 20], b"\""].concat(),
    ] {
        pipe.send(line);
        let reply: Value = serde_json::from_slice(&pipe.next_line()).unwrap();
        assert!(
            reply["error"]["code"].is_i64() && reply["id"].is_null(),
            "{reply}"
        );
    }
    assert_eq!(server.heard().len(), heard, "something was forwarded");
    let answers =
        pipe.say(br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"x"}}"#);
    assert_eq!(answers, [br#"{"jsonrpc":"2.0","id":3,"result":{}}"#]);
}

/// The usual headers, one of them another.
fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = PLAIN.into_iter().filter(|(key, _)| *key != name);
    others.chain([(name, value)]).collect()
}

trait Replace {
    fn replacen(self, what: &[u8], by: &[u8]) -> Vec<u8>;
}

impl Replace for Vec<u8> {
    /// The first one.
    fn replacen(self, what: &[u8], by: &[u8]) -> Vec<u8> {
        let at = self
            .windows(what.len())
            .position(|part| part == what)
            .unwrap();
        [&self[..at], by, &self[at + what.len()..]].concat()
    }
}
