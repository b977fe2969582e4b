//! A new version of a policy beside the one that is live: seen on live traffic, felt by nobody, and made live in the file
//! and in the gateway at once.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod harmless;
mod promoted;
mod tried;
mod wrong;

use std::time::{Duration, Instant};

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::{Value, json};

/// A server that answers with an address, a number, or neither.
fn desk() -> FakeServer {
    let text = |text: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":@ID@, "result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
        )
    };
    let script = Script::new()
        .on("\"mail\"", &[&text("write to anna@example.org")])
        .on("\"phone\"", &[&text("call +81 3-1234-5678")])
        .on("\"open\"", &[&text("it is open")]);
    FakeServer::http(script)
}

/// A `tools/call` in the modern era, spelt oddly, so that a message written anew would be noticed.
fn ask(gateway: &Gateway, tool: &str) -> Vec<u8> {
    let call = format!(
        r#"{{ "jsonrpc":"2.0", "id":"a\u002f1","method":"tools/call","params":{{"name":"{tool}", "arguments":{{"n":1.0}},"misbehave":true,"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"journey","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}} }}"#
    );
    let mut answers = Speaker::open(&gateway.mcp("desk"), Era::Modern).say(call.as_bytes());
    answers.remove(0)
}

/// What `status` says of the candidate beside the interceptor of that name.
fn candidate(gateway: &Gateway, name: &str) -> Value {
    let told = gateway.command(&["status", "--json"]);
    let told: Value = serde_json::from_str(&told.output).unwrap_or_else(|_| panic!("{told:?}"));
    let interceptors = told["interceptors"].as_array().unwrap();
    let one = interceptors.iter().find(|one| one["name"] == name);
    one.unwrap_or_else(|| panic!("{told}"))["candidate"].clone()
}

/// Waits until all that was offered to the candidate has run or was dropped, and gives what `status` says of it.
fn settled(gateway: &Gateway, name: &str, offered: u64) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let now = candidate(gateway, name);
        let number = |key: &str| now[key].as_u64().unwrap_or_default();
        if number("runs") + number("dropped") >= offered {
            return now;
        }
        assert!(
            Instant::now() < until,
            "{now} to the end:\n{}",
            gateway.log()
        );
    }
}

fn text(answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn is(status: &Value, expected: [(&str, u64); 4]) {
    for (key, count) in expected {
        assert_eq!(status[key], json!(count), "{key}: {status}");
    }
}
