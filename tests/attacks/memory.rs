//! Bytes that the gateway is made to keep.

use std::time::Duration;

use harness::{Era, FakeServer, Front, Gateway, Over, Reply, Script, Speaker, request};

use crate::callers::{wait_until, works};

/// More than a gateway at rest has, and less than what the attacks would make it keep.
const RESIDENT_MIB: u64 = 600;

/// Resident memory of a process, in MiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap() / 1024
}

fn ping(id: &str, era: Era) -> Vec<u8> {
    let params = match era {
        Era::Legacy => "{}",
        Era::Modern => {
            r#"{"name":"x","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#
        }
    };
    let method = match era {
        Era::Legacy => "ping",
        Era::Modern => "tools/call",
    };
    format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}","params":{params}}}"#).into_bytes()
}

/// An id of 257 bytes of JSON.
fn long_id() -> String {
    "i".repeat(255)
}

fn refuses(over: Over, era: Era) {
    let server = FakeServer::over(over, works());
    let mut front = Front::of_gateway(over, era, &server.config("fake"));
    let said = front.say(&ping(&long_id(), era));
    let text: Vec<String> = said
        .iter()
        .map(|one| String::from_utf8_lossy(one).into_owned())
        .collect();
    assert!(text.concat().contains("256 bytes"), "{text:?}");
    assert!(server.heard_with(&long_id()).is_empty());
    let fine = front.say(&ping("fine", era));
    assert!(!fine.is_empty());
}

#[test]
fn an_id_of_more_than_256_bytes_is_refused_over_http_in_the_legacy_era() {
    refuses(Over::Http, Era::Legacy);
}

#[test]
fn an_id_of_more_than_256_bytes_is_refused_over_http_in_the_modern_era() {
    refuses(Over::Http, Era::Modern);
}

#[test]
fn an_id_of_more_than_256_bytes_is_refused_on_stdio() {
    let server = FakeServer::stdio(&works());
    let mut pipe = Gateway::pipe(&server.config("fake"), "fake");
    pipe.say(Speaker::INITIALIZE);
    pipe.send(&ping(&long_id(), Era::Legacy));
    // The id of what cannot be read is null.
    let said = String::from_utf8(pipe.next_line()).unwrap();
    assert!(
        said.contains("256 bytes") && said.contains("\"id\":null"),
        "{said}"
    );
    assert!(server.heard_with(&long_id()).is_empty());
    assert!(!pipe.say(&ping("fine", Era::Legacy)).is_empty());
}

#[test]
fn a_servers_question_with_an_endless_id_is_not_kept() {
    let question = format!(
        r#"{{"jsonrpc":"2.0","id":"{}","method":"roots/list"}}"#,
        "q".repeat(100_000)
    );
    let reply = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;
    let script = Script::new().on("tools/call", &[&question, reply]);
    let server = FakeServer::stdio(&script);
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let call =
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{}}}"#;
    let said = speaker.say(call);
    let text: String = said
        .iter()
        .map(|one| String::from_utf8_lossy(one))
        .collect();
    assert!(!text.contains("qqqq"), "{} bytes", text.len());
}

#[test]
fn notifications_that_nobody_hears_are_bounded_in_bytes() {
    // Each takes seven times its text in memory: an index entry of twelve bytes for every two of these.
    let numbers = "1,".repeat(900_000) + "1";
    let notice = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":[{numbers}]}}}}"#
    );
    let reply = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"tools":[]}}"#;
    let notices = vec![notice.as_str(); 80];
    let script = Script::new().on("tools/list", &[&notices[..], &[reply]].concat());
    let server = FakeServer::http(script);
    let gateway = Gateway::start(&server.config("fake"));
    // The merged endpoint keeps what a list brings along until the client listens.
    let speaker = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let list = br#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#;
    speaker.say(list);
    let resident = resident(gateway.process.id());
    assert!(resident < RESIDENT_MIB, "{resident} MiB");
}

#[test]
fn replies_that_nobody_reads_hold_up_their_own_reader_alone() {
    // A stream of events is taken from the server only as fast as the client reads it.
    let notice = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{}"}}}}"#,
        "x".repeat(1_000_000)
    );
    let reply = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;
    let notices = vec![notice.as_str(); 300];
    let script = Script::new().on("tools/call", &[&notices[..], &[reply]].concat());
    let server = FakeServer::http(script);
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let call =
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{}}}"#;
    let unread = speaker.post(call);
    wait_until("the call is under way", || {
        !server.heard_with("tools/call").is_empty()
    });
    std::thread::sleep(Duration::from_millis(500));
    let resident = resident(gateway.process.id());
    assert!(resident < RESIDENT_MIB, "{resident} MiB");
    drop(unread);
}

#[test]
fn a_body_that_would_go_beyond_the_memory_is_answered_503_and_nothing_dies() {
    let server = FakeServer::http_with(|heard| match works().answer(&heard.body).pop() {
        Some(message) => Reply::Json(message),
        None => Reply::Status(202, "text/plain", Vec::new()),
    });
    let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\nmax-memory = \"64MiB\"\nmax-body = \"64MiB\"\n";
    let gateway = Gateway::start(&format!("{listen}{}", server.config("fake")));
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"x":"{}"}}}}"#,
        "x".repeat(50 << 20)
    );
    let refused = request("POST", &gateway.mcp("fake"), &headers, large.as_bytes());
    assert_eq!(refused.status, 503);
    let fine = request("POST", &gateway.mcp("fake"), &headers, Speaker::INITIALIZE);
    assert_eq!(fine.status, 200);
}
