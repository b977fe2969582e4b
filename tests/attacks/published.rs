//! Classes of attack that have been published for MCP clients, servers and gateways.

mod credentials;
mod metadata;
mod rebinding;
mod sessions;
mod shadowing;
mod terminal;

use harness::{Era, Exchange};
use serde_json::json;

use crate::callers::{PLAIN, token, works};

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
