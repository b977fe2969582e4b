//! Methods that nobody knows.

use harness::{Chunk, Era, FakeServer, Front, Gateway, Over, Reply, Script, Speaker};
use serde_json::{Value, json};

const SCRUB: &str =
    "\n[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ntimeout = \"5s\"\n";
/// What a server answers that takes a method for another.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"ann@example.com"}]}}"#;

fn server(over: Over) -> FakeServer {
    let script = [
        "tools/Call",
        "Tools/call",
        "tools/call/",
        "acme/",
        "tools//call",
        "x\\u002fy",
    ]
    .into_iter()
    .fold(Script::new(), |script, method| script.on(method, &[ANSWER]));
    FakeServer::over(over, script)
}

fn message(id: Option<u32>, method: &str) -> Vec<u8> {
    let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": { "name": "lookup", "arguments": {} } });
    if let Some(id) = id {
        message["id"] = id.into();
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        message["params"]["_meta"] = meta;
    }
    message.to_string().into_bytes()
}

fn legacy(id: u32, method: &str) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "name": "lookup" } })
        .to_string()
        .into_bytes()
}

#[test]
fn a_method_that_nobody_knows_reaches_no_server() {
    for over in [Over::Http, Over::Stdio] {
        let server = server(over);
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + SCRUB));
        for (id, method) in (1..).zip([
            "tools/Call",
            "Tools/call",
            "tools/call/",
            "acme/do",
            "tools//call",
        ]) {
            let reply = front.say(&legacy(id, method)).concat();
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            assert_eq!(
                reply["error"]["code"], -32601,
                "{method} over {over:?}: {reply}"
            );
            assert!(
                server.heard_with(&format!("{method}\"")).is_empty(),
                "{method} was forwarded"
            );
        }
    }
}

#[test]
fn a_modern_method_that_nobody_knows_is_answered_404() {
    let server = server(Over::Http);
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let reply =
        Speaker::open(&gateway.mcp("fake"), Era::Modern).post(&message(Some(1), "tools/Call"));
    assert_eq!(reply.status, 404);
    let reply: Value = serde_json::from_slice(&reply.body()).unwrap();
    assert_eq!(reply["error"]["code"], -32601, "{reply}");
    assert!(server.heard_with("tools/Call").is_empty());
}

#[test]
fn a_notification_that_nobody_knows_reaches_no_server() {
    for over in [Over::Http, Over::Stdio] {
        let server = server(over);
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + SCRUB));
        front.say(&message(None, "notifications/Message"));
        front.say(&message(None, "acme/tell"));
        // What follows shows that both have had their turn.
        front.say(&legacy(1, "ping"));
        for method in ["notifications/Message", "acme/tell"] {
            assert!(
                server.heard_with(method).is_empty(),
                "{method} was forwarded over {over:?}"
            );
        }
    }
}

#[test]
fn a_notification_that_nobody_knows_reaches_no_client() {
    let told = r#"{"jsonrpc":"2.0","method":"notifications/Message","params":{"level":"info","data":"ann@example.com"}}"#;
    let reply = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;
    for over in [Over::Http, Over::Stdio] {
        let server = FakeServer::over(over, Script::new().on("tools/call", &[told, reply]));
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + SCRUB));
        let replies = front.say(&legacy(1, "tools/call")).concat();
        let replies = String::from_utf8_lossy(&replies).into_owned();
        assert!(!replies.contains("ann@example.com"), "{replies}");
        assert!(replies.contains("\"content\":[]"), "{replies}");
    }
}

#[test]
fn a_question_that_nobody_knows_reaches_no_client() {
    let asked = br#"data: {"jsonrpc":"2.0","id":"q","method":"sampling/createmessage","params":{"messages":["ann@example.com"]}}

data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}

"#;
    let server = FakeServer::streaming(vec![Chunk::Bytes(asked.to_vec())]);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + SCRUB));
    let replies = front.say(&legacy(1, "tools/call")).concat();
    assert!(!String::from_utf8_lossy(&replies).contains("ann@example.com"));
    let answers = server.wait_for("-32601", 1);
    assert_eq!(answers.len(), 1, "the server is told that nobody knows it");
}

#[test]
fn a_question_within_a_reply_that_nobody_knows_reaches_no_client() {
    let asks = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"sampling/createmessage","params":{"messages":["ann@example.com"]}}}}}"#;
    let server = FakeServer::http(Script::new().on("tools/call", &[asks]));
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let replies =
        Speaker::open(&gateway.mcp("fake"), Era::Modern).say(&message(Some(1), "tools/call"));
    let replies = String::from_utf8_lossy(&replies.concat()).into_owned();
    assert!(!replies.contains("inputRequests"), "{replies}");
}

#[test]
fn a_method_that_the_operator_knows_passes() {
    let server = FakeServer::http_with(|heard| match heard.verb.as_str() {
        "POST" => match Script::new()
            .on("acme/do", &[ANSWER])
            .answer(&heard.body)
            .pop()
        {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        },
        _ => Reply::Status(405, "text/plain", Vec::new()),
    });
    let config = "[gateway]\nlisten = \"127.0.0.1:0\"\nknown-methods = [\"acme/*\"]\n".to_owned()
        + &server.config("fake")
        + SCRUB;
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &config);
    let reply = front.say(&legacy(1, "acme/do")).concat();
    assert!(String::from_utf8_lossy(&reply).contains("result"));
    let reply = front.say(&legacy(2, "acm/do")).concat();
    assert!(String::from_utf8_lossy(&reply).contains("-32601"));
}
