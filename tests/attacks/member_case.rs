//! Members that differ from the protocol's by their case.

use harness::{Era, FakeServer, Front, Gateway, Over, Script, Speaker};
use serde_json::{Value, json};

const ALLOW: &str = r#"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
timeout = "5s"
[interceptors.settings]
kinds = ["tools", "prompts", "resources"]
rules = [{ who = ["*"], allow = ["*/open*", "*/file:///open/*"] }]
"#;

fn server(over: Over) -> FakeServer {
    let script = [
        "tools/call",
        "prompts/get",
        "resources/",
        "completion/",
        "logging/",
    ]
    .into_iter()
    .fold(Script::new(), |script, method| {
        script.on(method, &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{}}"#])
    });
    FakeServer::over(over, script)
}

/// A server that overlooks case would do what is not allowed; it does not hear of it.
#[track_caller]
fn none_passes(method: &str, all: &[Value]) {
    none_passes_over(&[Over::Http, Over::Stdio], method, all);
}

#[track_caller]
fn none_passes_over(transports: &[Over], method: &str, all: &[Value]) {
    for &over in transports {
        let server = server(over);
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + ALLOW));
        for (id, params) in (1..).zip(all) {
            let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            let reply = front.say(message.to_string().as_bytes()).concat();
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            let code = reply["error"]["code"].as_i64();
            assert!(
                matches!(code, Some(-32602 | -32600)),
                "{params} over {over:?}: {reply}"
            );
        }
        assert!(
            server.heard_with(method).is_empty(),
            "it was forwarded over {over:?}"
        );
    }
}

#[test]
fn second_members_of_another_case_do_not_pass() {
    // Such a message is no message: over stdio its refusal bears no id to wait for.
    none_passes_over(
        &[Over::Http],
        "resources/read",
        &[
            json!({ "uri": "file:///open/a", "Uri": "file:///shut/a" }),
            json!({ "uri": "file:///open/a", "URI": "b" }),
        ],
    );
    none_passes_over(
        &[Over::Http],
        "prompts/get",
        &[json!({ "name": "open", "NAME": "shut" })],
    );
    none_passes_over(
        &[Over::Http],
        "tools/call",
        &[
            json!({ "name": "open", "Name": "shut" }),
            json!({ "name": "open", "arguments": {}, "argument\u{17F}": { "path": "shut" } }),
        ],
    );
}

#[test]
fn second_members_with_other_separators_do_not_pass() {
    none_passes(
        "tools/call",
        &[
            json!({ "name": "open", "_name": "shut" }),
            json!({ "name": "open", "input_responses": {} }),
        ],
    );
    none_passes(
        "resources/read",
        &[json!({ "uri": "file:///open/a", "_uri": "file:///shut/a" })],
    );
}

#[test]
fn a_second_name_within_a_reference_does_not_pass() {
    let argument = json!({ "name": "a", "value": "" });
    none_passes(
        "completion/complete",
        &[
            json!({ "ref": { "type": "ref/prompt", "name": "open", "Name": "shut" }, "argument": argument }),
            json!({ "ref": { "type": "ref/prompt", "name": "open", "Type": "ref/resource" }, "argument": argument }),
        ],
    );
}

#[test]
fn a_second_value_within_an_argument_does_not_pass() {
    let open = json!({ "type": "ref/prompt", "name": "open" });
    none_passes(
        "completion/complete",
        &[
            json!({ "ref": open, "argument": { "name": "a", "value": "", "Value": "x" } }),
            json!({ "ref": open, "argument": { "name": "a", "value": "" }, "Argument": { "name": "a", "value": "x" } }),
        ],
    );
}

#[test]
fn meta_of_another_case_does_not_pass() {
    none_passes(
        "tools/call",
        &[
            json!({ "name": "open", "_Meta": {} }),
            json!({ "name": "open", "meta": { "progressToken": 1 } }),
            json!({ "name": "open", "_meta": { "ProgressToken": 1 } }),
            json!({ "name": "open", "_meta": { "IO.modelcontextprotocol/clientInfo": {} } }),
        ],
    );
}

#[test]
fn another_case_does_not_pass_on_the_merged_endpoint() {
    let server = server(Over::Http);
    let gateway = Gateway::start(&(server.config("fake") + ALLOW));
    let speaker = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let message = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fake__open","_name":"shut"}}"#;
    let reply: Value = serde_json::from_slice(&speaker.post(message).body()).unwrap();
    assert_eq!(reply["error"]["code"], -32602, "{reply}");
    assert!(server.heard_with("tools/call").is_empty());
}

#[test]
fn payloads_may_have_any_case() {
    let server = server(Over::Http);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + ALLOW));
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "open", "arguments": { "Name": 1, "URI": 2, "task_id": 3 }, "_meta": { "com.example/Name": 1 } } });
    let reply: Value =
        serde_json::from_slice(&front.say(message.to_string().as_bytes()).concat()).unwrap();
    assert!(reply.get("result").is_some(), "{reply}");
}
