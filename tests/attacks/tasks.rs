//! Another caller's task.

use harness::{FakeServer, Gateway, Script, request};
use serde_json::{Value, json};

/// Two callers by their keys, and no interceptor.
fn config(server: &FakeServer) -> String {
    let client = |name: &str, hash: &str| format!("[clients.{name}]\ntoken-sha256 = \"{hash}\"\n");
    server.config("fake") + &client("ada", ADA_HASH) + &client("bob", BOB_HASH)
}

/// SHA-256 of the keys `ada-ada-ada` and `bob-bob-bob`.
const ADA_HASH: &str = "b27b13e12f5225cd8c698458438797203cec10292604823090ae0b10e4a84761";
const BOB_HASH: &str = "5a99f7dc6710ea7d94b40405c0825e6b144c70e86f2e52fc0586192d7c00caaa";
const SECRET: &str = "what the tool told ada";

/// Its tool promises a task, and it tells of any task whoever asks.
fn server() -> FakeServer {
    let promise = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"task","taskId":"t-1","status":"working","createdAt":"2026-01-01T00:00:00Z","ttlMs":null}}"#;
    let outcome = format!(
        r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"resultType":"complete","taskId":"t-1","status":"completed","content":[{{"type":"text","text":"{SECRET}"}}]}}}}"#
    );
    FakeServer::http(
        Script::new()
            .on("tools/call", &[promise])
            .on("tasks/", &[&outcome]),
    )
}

fn ask(url: &str, key: &str, method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let key = format!("Bearer {key}");
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
        ("authorization", key.as_str()),
    ];
    let name = params["name"].as_str().map(str::to_owned);
    headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
    let reply = request("POST", url, &headers, body.to_string().as_bytes());
    String::from_utf8_lossy(&reply.body()).into_owned()
}

#[test]
fn another_callers_task_is_unknown_where_no_interceptor_looks() {
    let server = server();
    let gateway = Gateway::start(&config(&server));
    let begun = ask(
        &gateway.mcp("fake"),
        "ada-ada-ada",
        "tools/call",
        &json!({ "name": "slow", "arguments": {} }),
    );
    assert!(begun.contains("t-1"), "{begun}");
    for endpoint in ["fake", ""] {
        let url = gateway.mcp(endpoint);
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            let mut params = json!({ "taskId": "t-1" });
            if method == "tasks/update" {
                params["inputResponses"] = json!({});
            }
            let told = ask(&url, "bob-bob-bob", method, &params);
            assert!(
                told.contains("-32602") && !told.contains(SECRET),
                "{method} at /mcp/{endpoint}: {told}"
            );
        }
        let told = ask(
            &url,
            "ada-ada-ada",
            "tasks/get",
            &json!({ "taskId": "t-1" }),
        );
        assert!(told.contains(SECRET), "{told}");
    }
    assert_eq!(server.heard_with("tasks/").len(), 2);
}

#[test]
fn another_callers_task_is_unknown_by_other_spellings_of_the_member() {
    let server = server();
    let gateway = Gateway::start(&config(&server));
    ask(
        &gateway.mcp("fake"),
        "ada-ada-ada",
        "tools/call",
        &json!({ "name": "slow", "arguments": {} }),
    );
    for member in ["TaskId", "task_id", "taskID", "tas\u{212A}Id"] {
        for params in [
            json!({ member: "t-1" }),
            json!({ "taskId": "mine", member: "t-1" }),
        ] {
            let told = ask(&gateway.mcp("fake"), "bob-bob-bob", "tasks/get", &params);
            assert!(!told.contains(SECRET), "{params}: {told}");
        }
    }
    assert!(server.heard_with("tasks/get").is_empty());
}

#[test]
fn a_state_of_another_caller_is_refused_by_other_spellings_of_the_member() {
    let server = server();
    let gateway = Gateway::start(&config(&server));
    for member in [
        "request_state",
        "_requestState",
        "request-state",
        "input_responses",
    ] {
        let params = json!({ "name": "slow", "arguments": {}, member: "ada's" });
        let told = ask(&gateway.mcp("fake"), "bob-bob-bob", "tools/call", &params);
        assert!(told.contains("-32602"), "{member}: {told}");
    }
    assert!(server.heard_with("slow").is_empty());
}
