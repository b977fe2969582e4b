//! Classes of attack that have been published for MCP clients, servers and gateways.

mod credentials;
mod metadata;
mod rebinding;
mod sessions;
mod shadowing;
mod terminal;

use std::process::Command;

use harness::{Era, Exchange, Script};
use serde_json::json;

const PLAIN: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];
const SECRET: &str = "ravenH2kD8wQ4m";

fn call(name: &str) -> Vec<u8> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": name, "arguments": {}, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        .to_string()
        .into_bytes()
}

fn legacy_call(name: &str) -> Vec<u8> {
    let params = json!({"name": name, "arguments": {}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        .to_string()
        .into_bytes()
}

fn call_in(era: Era, name: &str) -> Vec<u8> {
    match era {
        Era::Legacy => legacy_call(name),
        Era::Modern => call(name),
    }
}

/// What came back, whole: headers and body.
fn all_of(exchange: Exchange) -> String {
    let head = format!("{} {:?}", exchange.status, exchange.headers);
    head + &String::from_utf8_lossy(&exchange.body())
}

fn works() -> Script {
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[]}}"#;
    Script::new().on("tools/call", &[fine])
}

/// A token, and the lines that let its client in.
fn token(name: &str) -> (String, String) {
    let mut command = Command::new(harness::sandgate());
    let made = command.args(["token", name]).output().unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let token = text
        .split("Bearer ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let lines = text[text.find("[clients").unwrap()..].to_owned();
    (format!("Bearer {token}"), lines)
}
