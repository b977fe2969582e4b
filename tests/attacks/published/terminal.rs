//! Words that a terminal would obey.

use harness::{Era, FakeServer, Gateway, Script, Speaker, request};
use serde_json::{Value, json};

use super::{PLAIN, legacy_call, works};

/// Clears the screen, sets the title, moves the cursor; as C1 too; turns text around; ends a line.
const STEERS: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}1A\u{202e}\u{2066}\u{200f}\r\n\u{8}\u{7f}x";

fn steers(text: &str) -> Option<char> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .find(|&c| c.is_control() && !matches!(c, '\n' | '\t') || turns(c))
}

#[test]
fn what_a_server_writes_steers_no_terminal() {
    let error = json!({"code": -32000, "message": STEERS, "data": STEERS});
    let fails = format!(r#"{{"jsonrpc":"2.0","id":@ID@,"error":{error}}}"#);
    let tool = json!({"name": format!("x{STEERS}"), "description": STEERS, "title": STEERS, "inputSchema": {"type": "object"}});
    let list = format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"tools":[{tool}]}}}}"#);
    let info = json!({"name": STEERS, "version": STEERS});
    let hello = format!(
        r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{info},"instructions":{}}}}}"#,
        Value::from(STEERS)
    );
    let script = Script::new()
        .on("\"initialize\"", &[&hello])
        .on("tools/list", &[&list])
        .on("tools/call", &[&fails]);
    let server = FakeServer::stdio(&script);
    let gateway = Gateway::start(&server.config("fake"));
    let url = gateway.mcp("fake");
    let client = Speaker::open(&url, Era::Legacy);
    client.say(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    client.say(&legacy_call("x"));
    client.say(&legacy_call(&format!("x{STEERS}")));
    shows_nothing_that_steers(&gateway);
}

#[test]
fn what_a_client_writes_steers_no_terminal() {
    let server = FakeServer::stdio(&works());
    let gateway = Gateway::start(&server.config("fake"));
    let info = json!({"name": STEERS, "version": STEERS, "title": STEERS});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
    let hello = json!({"jsonrpc": "2.0", "id": STEERS, "method": "initialize", "params": params});
    for endpoint in ["fake", ""] {
        let url = gateway.mcp(endpoint);
        let began = request("POST", &url, &PLAIN, hello.to_string().as_bytes());
        let session = began.header("mcp-session-id").unwrap().to_owned();
        let headers = [&PLAIN[..], &[("mcp-session-id", session.as_str())]].concat();
        let ask =
            json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": STEERS}});
        request("POST", &url, &headers, ask.to_string().as_bytes()).body();
        let ask = json!({"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": {"uri": format!("x:{STEERS}")}});
        request("POST", &url, &headers, ask.to_string().as_bytes()).body();
    }
    shows_nothing_that_steers(&gateway);
}

/// Log, call log, and what the operator's commands print of every call.
fn shows_nothing_that_steers(gateway: &Gateway) {
    let record = gateway.process.output();
    let mut shown = vec![("log", gateway.log()), ("call log", record.clone())];
    let mut calls: Vec<String> = record
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|line| line["id"].as_str().map(str::to_owned))
        .collect();
    calls.dedup();
    assert!(!calls.is_empty(), "{record}");
    for call in &calls {
        let why = gateway.command(&["why", call]);
        shown.push(("why", format!("{}{}", why.output, why.log)));
    }
    for verb in ["status", "check"] {
        let said = gateway.command(&[verb]);
        shown.push((verb, format!("{}{}", said.output, said.log)));
    }
    let steering: Vec<_> = shown
        .iter()
        .filter_map(|(what, text)| Some((what, steers(text)?)))
        .collect();
    assert_eq!(steering, []);
}
