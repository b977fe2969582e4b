//! Matter of a policy in messages that the policy might not look at.

use harness::{Chunk, Era, FakeServer, Front, Gateway, Over, Reply, Script, Speaker};
use serde_json::{Value, json};

const SCRUB: &str =
    "\n[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ntimeout = \"5s\"\n";
const ALLOW: &str = r#"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
timeout = "5s"
[interceptors.settings]
kinds = ["resources"]
rules = [{ who = ["*"], allow = ["*/file:///open/*"] }]
"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;

/// What a client gets of a server's messages, over either transport, holds no address.
#[track_caller]
fn nothing_passes(method: &str, params: &Value, messages: &[&str]) {
    for over in [Over::Http, Over::Stdio] {
        let server = FakeServer::over(over, Script::new().on(&format!("\"{method}\""), messages));
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + SCRUB));
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let replies = front.say(message.to_string().as_bytes()).concat();
        let replies = String::from_utf8_lossy(&replies).into_owned();
        assert!(
            !replies.contains("ann@example.com"),
            "over {over:?}: {replies}"
        );
        assert!(
            !replies.contains("4111111111111111"),
            "over {over:?}: {replies}"
        );
        assert!(
            server.heard_with(method).len() == 1,
            "it was not forwarded over {over:?}"
        );
    }
}

fn call() -> Value {
    json!({ "name": "lookup", "arguments": {} })
}

#[test]
fn a_log_line_of_a_scrubbed_call_is_scrubbed() {
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"found ann@example.com"}}"#;
    nothing_passes("tools/call", &call(), &[log, DONE]);
}

#[test]
fn a_number_in_the_data_of_a_log_line_is_scrubbed() {
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"ann@example.com","data":{"card":4111111111111111,"of":["ann@example.com"]}}}"#;
    nothing_passes("tools/call", &call(), &[log, DONE]);
}

#[test]
fn the_progress_of_a_scrubbed_call_is_scrubbed() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1,"message":"at ann@example.com"}}"#;
    let params = json!({ "name": "lookup", "arguments": {}, "_meta": { "progressToken": "p" } });
    nothing_passes("tools/call", &params, &[progress, DONE]);
}

#[test]
fn a_completion_is_scrubbed() {
    let values = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"completion":{"values":["ann@example.com"],"hasMore":false}}}"#;
    let params = json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "a", "value": "a" } });
    nothing_passes("completion/complete", &params, &[values]);
}

#[test]
fn the_descriptions_of_lists_are_scrubbed() {
    for (method, member) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let item = json!({ "name": "n", "uri": "a:b", "uriTemplate": "a:{b}", "title": "of ann@example.com",
            "description": "ask ann@example.com", "inputSchema": { "type": "object", "properties": {
                "to": { "type": "string", "description": "as ann@example.com" } } } });
        let list = json!({ "jsonrpc": "2.0", "id": 1, "result": { member: [item] } }).to_string();
        nothing_passes(method, &json!({}), &[&list]);
    }
}

#[test]
fn an_error_is_scrubbed_whatever_was_asked() {
    let error = r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32000,"message":"no ann@example.com","data":{"of":"ann@example.com"}}}"#;
    for method in ["resources/subscribe", "logging/setLevel", "tools/list"] {
        nothing_passes(method, &json!({ "uri": "a:b", "level": "info" }), &[error]);
    }
}

#[test]
fn what_a_server_asks_of_the_client_is_scrubbed() {
    let asks = [
        r#"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"Is it ann@example.com?","requestedSchema":{"type":"object","properties":{"to":{"type":"string","description":"not ann@example.com"}}}}}"#,
        r#"{"jsonrpc":"2.0","id":"q2","method":"sampling/createMessage","params":{"systemPrompt":"You are ann@example.com","messages":[{"role":"user","content":{"type":"text","text":"ann@example.com"}}],"maxTokens":5}}"#,
        DONE,
    ];
    nothing_passes("tools/call", &call(), &asks);
}

#[test]
fn the_instructions_of_a_server_are_scrubbed() {
    let hello = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"fake","version":"1"},"instructions":"Write to ann@example.com"}}"#;
    let server = FakeServer::http(Script::new().on("initialize", &[hello]));
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let reply = harness::request("POST", &gateway.mcp("fake"), &headers, Speaker::INITIALIZE);
    let reply = String::from_utf8_lossy(&reply.body()).into_owned();
    assert!(reply.contains("Write to [email~"), "{reply}");
}

#[test]
fn a_subscription_to_what_is_not_allowed_is_refused() {
    let server = FakeServer::http_with(|heard| {
        match harness::Envelope::of_request(&heard.body).as_deref() {
            Some("subscriptions/listen") => {
                let told = r#"data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}"#;
                Reply::Stream(vec![Chunk::Bytes(format!("{told}\n\n").into_bytes())])
            }
            _ => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(405, "text/plain", Vec::new()),
            },
        }
    });
    let gateway = Gateway::start(&(server.config("fake") + ALLOW));
    let listen = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "notifications": { "resourceSubscriptions": ["file:///open/a", "file:///shut/a"] },
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} } } });
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let reply = speaker.say(listen.to_string().as_bytes()).concat();
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(reply.contains("allow-tools.not-allowed"), "{reply}");
    assert!(server.heard_with("subscriptions/listen").is_empty());
}

#[test]
fn nothing_is_told_of_a_resource_that_is_not_allowed() {
    let told = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///shut/payroll"}}"#;
    for over in [Over::Http, Over::Stdio] {
        let server = FakeServer::over(over, Script::new().on("tools/call", &[told, DONE]));
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + ALLOW));
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call() });
        let replies = front.say(message.to_string().as_bytes()).concat();
        let replies = String::from_utf8_lossy(&replies).into_owned();
        assert!(!replies.contains("payroll"), "over {over:?}: {replies}");
    }
}
