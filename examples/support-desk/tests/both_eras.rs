//! The desk in both eras, over HTTP and over stdio.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;
use std::time::Duration;

use harness::{Era, Process, Speaker, request};
use serde_json::{Value, json};
use support_desk::{Desk, serve_stdio};

/// The program over HTTP, with its URL.
fn desk() -> (Process, String) {
    let process =
        Process::start(Command::new(env!("CARGO_BIN_EXE_support-desk")).arg("127.0.0.1:0"));
    let url = process.log_line(Duration::from_secs(10), |line| {
        Some(line.strip_prefix("listening on ")?.to_owned())
    });
    (process, url.unwrap())
}

fn ask(era: Era, method: &str, mut params: Value) -> Vec<u8> {
    if era == Era::Modern {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
        .to_string()
        .into_bytes()
}

fn say(speaker: &Speaker, message: &[u8]) -> Value {
    serde_json::from_slice(&speaker.say(message).pop().unwrap()).unwrap()
}

#[test]
fn a_customer_comes_as_text_and_as_structure() {
    let (_desk, url) = desk();
    for era in [Era::Legacy, Era::Modern] {
        let speaker = Speaker::open(&url, era);
        let call = json!({ "name": "lookup_customer", "arguments": { "id": "C-1001" } });
        let result = say(&speaker, &ask(era, "tools/call", call))["result"].take();
        assert_eq!(
            result["structuredContent"]["email"],
            "maria.weber@example.com"
        );
        assert!(
            result["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("maria.weber@example.com")
        );
        assert_eq!(result["resultType"] == "complete", era == Era::Modern);
    }
}

#[test]
fn what_goes_wrong_in_a_tool_is_a_result_and_an_unknown_tool_an_error() {
    let (_desk, url) = desk();
    let speaker = Speaker::open(&url, Era::Legacy);
    let call = |name: &str| {
        say(
            &speaker,
            &ask(
                Era::Legacy,
                "tools/call",
                json!({ "name": name, "arguments": {} }),
            ),
        )
    };
    assert_eq!(call("lookup_customer")["result"]["isError"], true);
    assert_eq!(call("no_such_tool")["error"]["code"], -32602);
}

#[test]
fn the_file_tool_follows_dots_out_of_its_folder() {
    let (_desk, url) = desk();
    let speaker = Speaker::open(&url, Era::Modern);
    let read = |path: &str| {
        let call = json!({ "name": "read_file", "arguments": { "path": path } });
        say(&speaker, &ask(Era::Modern, "tools/call", call))["result"]["content"][0]["text"]
            .to_string()
    };
    assert!(read("refunds.md").contains("30 days"));
    assert!(read("../../../etc/passwd").contains("root:x:0"));
    assert!(read("gone.md").contains("no file at gone.md"));
}

#[test]
fn a_modern_request_whose_headers_disagree_is_refused() {
    let (_desk, url) = desk();
    let body = ask(
        Era::Modern,
        "tools/call",
        json!({ "name": "read_file", "arguments": { "path": "hours.md" } }),
    );
    let headers = |name: &'static str| {
        [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", name),
        ]
    };
    assert_eq!(
        request("POST", &url, &headers("read_file"), &body).status,
        200
    );
    assert_eq!(
        request("POST", &url, &headers("=?base64?cmVhZF9maWxl?="), &body).status,
        200
    );
    let refused = request("POST", &url, &headers("delete_customer"), &body);
    assert_eq!(refused.status, 400);
    assert_eq!(
        serde_json::from_slice::<Value>(&refused.body()).unwrap()["error"]["code"],
        -32020
    );
}

#[test]
fn unknown_methods_and_versions_are_told_apart() {
    let (_desk, url) = desk();
    let modern = Speaker::open(&url, Era::Modern);
    assert_eq!(
        modern
            .post(&ask(Era::Modern, "vendor/unknown", json!({})))
            .status,
        404
    );
    let body = String::from_utf8(ask(Era::Modern, "tools/list", json!({})))
        .unwrap()
        .replace("2026", "2099");
    let headers = [
        ("mcp-protocol-version", "2099-07-28"),
        ("mcp-method", "tools/list"),
    ];
    let refused: Value =
        serde_json::from_slice(&request("POST", &url, &headers, body.as_bytes()).body()).unwrap();
    assert_eq!(refused["error"]["code"], -32022);
    assert_eq!(refused["error"]["data"]["requested"], "2099-07-28");
}

#[test]
fn a_legacy_client_needs_a_session_and_foreign_pages_get_nothing() {
    let (_desk, url) = desk();
    let body = ask(Era::Legacy, "tools/list", json!({}));
    assert_eq!(request("POST", &url, &[], &body).status, 400);
    assert_eq!(
        request("POST", &url, &[("mcp-session-id", "made-up")], &body).status,
        404
    );
    assert_eq!(
        request(
            "POST",
            &url,
            &[("origin", "https://elsewhere.example")],
            &body
        )
        .status,
        403
    );
    assert_eq!(
        request("POST", &url, &[("host", "elsewhere.example")], &body).status,
        403
    );
}

#[test]
fn a_deleted_customer_is_news_on_the_get_stream_and_progress_goes_with_the_reply() {
    let (_desk, url) = desk();
    let speaker = Speaker::open(&url, Era::Legacy);
    let mut news = speaker.listen();
    assert_eq!(news.next_event().unwrap().comments, ["listening"]);
    let call = json!({ "name": "delete_customer", "arguments": { "id": "C-1002" }, "_meta": { "progressToken": "t" } });
    let messages = speaker.say(&ask(Era::Legacy, "tools/call", call));
    assert_eq!(messages.len(), 2, "progress, then the result");
    let told: Value = serde_json::from_slice(&news.next_event().unwrap().data.unwrap()).unwrap();
    assert_eq!(told["method"], "notifications/resources/list_changed");
}

#[tokio::test]
async fn the_desk_keeps_what_it_heard_word_for_word() {
    let desk = Desk::new();
    let line = r#"{ "id":1,"jsonrpc":"2.0","method":"ping","vendor":1.0 }"#;
    let mut output = Vec::new();
    serve_stdio(&desk, format!("{line}\nnot json\n").as_bytes(), &mut output)
        .await
        .unwrap();
    assert_eq!(desk.seen().len(), 1);
    let seen = desk.take_seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.body.as_str()), ("ping", line));
    assert!(desk.seen().is_empty());
    let replies = String::from_utf8(output).unwrap();
    assert_eq!(replies.lines().count(), 2);
    assert!(replies.contains("-32700"));
}
