//! What the gateway tells others of itself: metrics and traces, and that neither holds up a call nor holds a secret.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod collector;
mod down;
mod exported;
mod exposition;
mod scraped;
mod secret;
mod shown;
mod traced;

use harness::{Era, FakeServer, Gateway, Script, Speaker, request};

/// A modern `tools/call`; `more` are further members of `_meta`.
fn call(tool: &str, more: &str) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},"_meta":{{{more}"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
    .into_bytes()
}

/// A server with one tool that answers, one that fails, and one whose reply has an address in it.
fn server() -> FakeServer {
    let reply = |text: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
        )
    };
    let fails = r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32001,"message":"broken"}}"#;
    FakeServer::http(
        Script::new()
            .on(r#""plain""#, &[&reply("fine")])
            .on(r#""address""#, &[&reply("write to jo@example.com")])
            .on(r#""fails""#, &[fails]),
    )
}

/// Scrubs replies, and refuses the tool `refused`.
const POLICIES: &str = r#"[[interceptors]]
name = "bar"
plugin = "builtin:allow-tools"
timeout = "5s"
targets = ["refused"]
settings = { rules = [{ who = ["*"], allow = [] }] }

[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
timeout = "5s"
"#;

/// A server that nothing can reach.
const GONE: &str = "[servers.gone]\nurl = \"http://127.0.0.1:1/mcp\"\n\n";

fn say(gateway: &Gateway, server: &str, message: &[u8]) {
    Speaker::open(&gateway.mcp(server), Era::Modern).say(message);
}

/// Where the metrics are.
fn metrics_url(gateway: &Gateway) -> String {
    let log = gateway.log();
    let start = log.find("metrics on http://").expect("no metrics") + "metrics on ".len();
    let end = log[start..].find("/metrics").unwrap() + "/metrics".len();
    log[start..start + end].to_owned()
}

/// The page.
fn scrape(gateway: &Gateway) -> String {
    let page = request("GET", &metrics_url(gateway), &[], b"");
    assert_eq!(page.status, 200);
    String::from_utf8(page.body()).unwrap()
}

/// One sample; none where it is not there.
fn sample(page: &str, series: &str) -> Option<u64> {
    let mut lines = page.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}
