//! A server that lets the gateway down: an error to that call, in good time, and the others go on unharmed.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use harness::{Era, FakeServer, Gateway, Reply, Script, Speaker, request};
use serde_json::Value;

const GOOD: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"from":"good"}}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","inputSchema":{"type":"object"}}]}}"#;

/// Asks a bad server in both eras; `said` is in the error. Then the good one beside it, alone and among all.
#[track_caller]
fn lets_down(bad: &str, said: &str) {
    let server = FakeServer::http(
        Script::new()
            .on("tools/call", &[GOOD])
            .on("tools/list", &[TOOLS]),
    );
    let gateway = Gateway::start(&format!("{}\n{bad}", server.config("good")));
    let before = Instant::now();
    for message in [INITIALIZE, CALL] {
        let error = ask(&gateway.mcp("bad"), message);
        // A modern client is sent to `initialize` where the server gave no answer; there it hears what is wrong.
        let sent_on = message == CALL && error.contains("begin with initialize");
        assert!(
            error.contains(said) || sent_on,
            "{said:?} is not in {error}"
        );
        assert!(error.contains("bad"), "which server? {error}");
    }
    assert!(
        before.elapsed() < Duration::from_secs(20),
        "{:?}",
        before.elapsed()
    );

    for era in [Era::Legacy, Era::Modern] {
        let reply = Speaker::open(&gateway.mcp("good"), era).say(if era == Era::Modern {
            CALL
        } else {
            LEGACY_CALL
        });
        assert!(
            String::from_utf8_lossy(&reply[0]).contains("\"from\":\"good\""),
            "{era:?}"
        );
    }
    let merged = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let listed = merged.say(br#"{"jsonrpc":"2.0","id":5,"method":"tools/list"}"#);
    assert!(
        String::from_utf8_lossy(&listed[0]).contains("\"good__t\""),
        "{:?}",
        String::from_utf8_lossy(&listed[0])
    );
    let called = merged
        .say(br#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"good__t"}}"#);
    assert!(String::from_utf8_lossy(&called[0]).contains("\"from\":\"good\""));
    assert_eq!(gateway.readiness()["ready"], true);
}

const INITIALIZE: &[u8] = Speaker::INITIALIZE;
const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const LEGACY_CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{}}}"#;

/// The text of the answer, which is an error: of JSON-RPC, or where the server knows no such era, a 4xx in words.
fn ask(url: &str, message: &[u8]) -> String {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    if message == CALL {
        headers.extend([
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "t"),
        ]);
    }
    let reply = request("POST", url, &headers, message);
    let status = reply.status;
    let body = String::from_utf8(reply.messages().pop().unwrap()).unwrap();
    match serde_json::from_str::<Value>(&body) {
        Ok(error) => {
            assert!(error["error"]["code"].is_i64(), "{body}");
            let id: Value = if message == CALL {
                1.into()
            } else {
                "hello".into()
            };
            assert_eq!(error["id"], id, "{body}");
        }
        Err(_) => assert!((400..500).contains(&status), "{status} {body}"),
    }
    body
}

fn stdio(command: &str, args: &str) -> String {
    format!(
        "[servers.bad]\ncommand = {command:?}\nargs = {args}\nconnect-timeout = \"2s\"\nstart-timeout = \"2s\"\nrequest-timeout = \"2s\"\n"
    )
}

#[test]
fn a_program_that_is_not_there() {
    lets_down(
        &stdio("sandgate-no-such-program", "[]"),
        "could not be started",
    );
}

#[test]
fn a_program_that_cannot_be_run() {
    lets_down(&stdio("/dev/null", "[]"), "could not be started");
}

#[test]
fn a_program_that_exits_at_once() {
    // Each start that fails puts the next one off, and then the error says that.
    lets_down(&stdio("sh", r#"["-c", "exit 3"]"#), "the");
}

#[test]
fn a_program_that_speaks_garbage() {
    lets_down(
        &stdio("sh", r#"["-c", "while read line; do echo garbage; done"]"#),
        "bad",
    );
}

#[test]
fn a_program_that_says_nothing() {
    lets_down(
        &stdio("sh", r#"["-c", "while read line; do :; done"]"#),
        "bad",
    );
}

#[test]
fn nobody_at_that_address() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    lets_down(
        &format!("[servers.bad]\nurl = \"http://{address}/mcp\"\n"),
        "cannot be reached",
    );
}

#[test]
fn an_address_at_which_something_else_answers() {
    for (kind, body) in [
        ("text/html", "<html>hello</html>"),
        ("application/json", "{\"hello\":"),
        ("application/json", "[]"),
        (
            "application/json",
            r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        ),
        ("text/event-stream", "data: hello\n\n"),
    ] {
        let other = FakeServer::http_with(move |_| Reply::Status(200, kind, body.into()));
        lets_down(&other.config("bad"), "bad");
    }
}
