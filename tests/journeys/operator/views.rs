//! Views, as real clients and an operator see them.

use harness::{Client, FakeServer, Gateway, Plan, Script};
use serde_json::{Value, json};

/// A server on stdio with three tools.
fn server() -> FakeServer {
    let tools: Vec<Value> = ["look", "look_up", "drop"]
        .iter()
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    let result =
        json!({ "tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private" });
    let list = format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#);
    let said = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}"#;
    let script = Script::new()
        .on("\"tools/list\"", &[&list])
        .on("\"tools/call\"", &[said]);
    FakeServer::stdio(&script)
}

fn config(server: &FakeServer) -> String {
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
watch = false
admin = "none"
[call-log]
to = "calls.jsonl"
[clients.ada]
token-sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
groups = ["support"]
[clients.eve]
token-sha256 = "2222222222222222222222222222222222222222222222222222222222222222"
[views.support]
groups = ["support"]
allow = ["desk/look*"]
deny = ["desk/look_up"]
{}"#,
        server.config("desk")
    )
}

#[test]
fn real_clients_of_both_eras_see_and_call_what_their_view_allows() {
    let server = server();
    let gateway = Gateway::start(&config(&server));
    for endpoint in ["desk", ""] {
        let mut command = Gateway::stdio_command(&gateway.config_file(), endpoint);
        command.extend(["--client", "ada"].map(str::to_owned));
        let named = |tool: &str| match endpoint {
            "" => format!("desk__{tool}"),
            _ => tool.to_owned(),
        };
        for client in [Client::McpModern, Client::NodeSdk] {
            let calls = json!({ "calls": [
                { "name": named("look"), "arguments": {} },
                { "name": named("drop"), "arguments": {} },
            ] });
            let seen = client.run(&Plan::stdio(&command).and(&calls)).unwrap();
            let tools: Vec<&str> = seen["tools"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|tool| tool.as_str().or(tool["name"].as_str()))
                .collect();
            assert_eq!(tools, [named("look")], "{client:?}: {seen}");
            assert!(
                seen["calls"][0].to_string().contains("done"),
                "{client:?}: {seen}"
            );
            let refused = seen["calls"][1].to_string();
            assert!(!refused.contains("done"), "{client:?}: {seen}");
            assert!(refused.contains("unknown tool"), "{client:?}: {seen}");
        }
    }
    assert!(server.heard_with("\"drop\"").is_empty());
}

#[test]
fn an_operator_sees_with_a_clients_eyes() {
    let server = server();
    let gateway = Gateway::start(&config(&server));
    let seen = gateway.command(&["check", "--as", "ada"]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    for line in [
        "ada: groups support, views support",
        "sees    tool      look     view support allows \"desk/look*\"",
        "hidden  tool      look_up  view support denies \"desk/look_up\"",
        "hidden  tool      drop     no view allows it",
    ] {
        assert!(seen.output.contains(line), "{line}\n{seen:?}");
    }
    let nothing = gateway.command(&["check", "--as", "eve"]);
    assert!(
        nothing.output.contains("not there for this client"),
        "{nothing:?}"
    );
    let guest = gateway.command(&["check", "--as", "guest", "--groups", "support,x"]);
    assert!(
        guest.output.contains("sees    tool      look "),
        "{guest:?}"
    );
    assert_eq!(gateway.command(&["check", "--as", "nobody"]).code, Some(2));
    let checked = gateway.command(&["check"]);
    let told = format!("{}{}", checked.output, checked.log);
    assert!(
        told.contains("it is in no view and sees nothing"),
        "{checked:?}"
    );
}
