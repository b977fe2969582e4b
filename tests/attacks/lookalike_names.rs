//! Tools and prompts whose names look the same.

use harness::{Era, FakeServer, Front, Gateway, Over, Script, Speaker};
use serde_json::{Value, json};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"messages":[]}}"#;

/// A server whose list holds these names beside `other`.
fn server(over: Over, names: &[&str]) -> FakeServer {
    let items: Vec<Value> = names
        .iter()
        .chain(&["other"])
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    let list = |member: &str| {
        let result =
            json!({ member: items, "resultType": "complete", "ttlMs": 0, "cacheScope": "private" });
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
    };
    let script = Script::new()
        .on("tools/list", &[&list("tools")])
        .on("prompts/list", &[&list("prompts")])
        .on("tools/call", &[ANSWER])
        .on("prompts/get", &[ANSWER]);
    FakeServer::over(over, script)
}

fn ask(front: &mut Front, method: &str, params: &Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    serde_json::from_slice(&front.say(message.to_string().as_bytes()).concat()).unwrap()
}

fn names(reply: &Value, member: &str) -> Vec<String> {
    let list = reply["result"][member]
        .as_array()
        .unwrap_or_else(|| panic!("{reply}"));
    list.iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Neither of the two is listed, neither can be called, and the other tool stays.
#[track_caller]
fn neither_passes(two: [&str; 2]) {
    for over in [Over::Http, Over::Stdio] {
        let server = server(over, &two);
        let mut front = Front::of_gateway(over, Era::Legacy, &server.config("fake"));
        assert_eq!(
            names(&ask(&mut front, "tools/list", &json!({})), "tools"),
            ["other"],
            "over {over:?}"
        );
        for name in two {
            let reply = ask(&mut front, "tools/call", &json!({ "name": name }));
            assert_eq!(
                reply["error"]["code"], -32602,
                "{name:?} over {over:?}: {reply}"
            );
        }
        assert!(server.heard_with("tools/call").is_empty());
        assert!(ask(&mut front, "tools/call", &json!({ "name": "other" }))["error"].is_null());
    }
}

#[test]
fn a_tool_does_not_pass_for_another_by_wide_letters() {
    neither_passes(["pay", "\u{FF50}ay"]);
}

#[test]
fn a_tool_does_not_pass_for_another_by_an_invisible_character() {
    neither_passes(["pay", "pa\u{200B}y"]);
}

#[test]
fn a_tool_does_not_pass_for_another_by_its_direction() {
    neither_passes(["pay", "\u{2066}pay\u{2069}"]);
}

#[test]
fn a_tool_does_not_pass_for_another_by_a_variation_or_a_tag() {
    neither_passes(["pay\u{FE0F}", "pay\u{E0020}"]);
}

#[test]
fn a_tool_does_not_pass_for_another_by_composition() {
    neither_passes(["caf\u{E9}", "cafe\u{301}"]);
}

#[test]
fn a_prompt_does_not_pass_for_another() {
    let server = server(Over::Http, &["ask", "as\u{AD}k"]);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &server.config("fake"));
    assert_eq!(
        names(&ask(&mut front, "prompts/list", &json!({})), "prompts"),
        ["other"]
    );
    let reply = ask(&mut front, "prompts/get", &json!({ "name": "ask" }));
    assert_eq!(reply["error"]["code"], -32602, "{reply}");
}

#[test]
fn lookalikes_are_on_no_merged_list_and_cannot_be_called_there() {
    let server = server(Over::Http, &["pay", "\u{FF50}ay"]);
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let say = |text: &str| -> Value {
        serde_json::from_slice(&speaker.post(text.as_bytes()).body()).unwrap()
    };
    let list = say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(names(&list, "tools"), ["fake__other"]);
    let reply =
        say(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"fake__pay"}}"#);
    assert_eq!(reply["error"]["code"], -32602, "{reply}");
    assert!(gateway.log().contains("look the same"), "{}", gateway.log());
}

#[test]
fn a_name_that_looks_like_a_listed_one_is_out_of_no_scope() {
    let scrub = "\n[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ntargets = [\"pay\"]\ntimeout = \"5s\"\n";
    for over in [Over::Http, Over::Stdio] {
        let server = server(over, &["pay"]);
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + scrub));
        for name in ["\u{FF50}ay", "pay\u{200B}", "pay\u{0}"] {
            let reply = ask(&mut front, "tools/call", &json!({ "name": name }));
            assert_eq!(
                reply["error"]["code"], -32602,
                "{name:?} over {over:?}: {reply}"
            );
        }
        assert!(server.heard_with("tools/call").is_empty());
    }
}
