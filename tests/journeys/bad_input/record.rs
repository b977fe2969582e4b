//! A call log that cannot be written: by default nothing happens off the record.

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::Value;

const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

fn server() -> FakeServer {
    FakeServer::http(Script::new().on(
        "tools/call",
        &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"done":true}}"#],
    ))
}

#[test]
fn on_a_full_disk_calls_are_refused() {
    let server = server();
    let gateway = Gateway::start(&format!(
        "[call-log]\nto = \"/dev/full\"\n\n{}",
        server.config("fake")
    ));
    for _ in 0..30 {
        let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(CALL);
        let reply: Value = serde_json::from_slice(&answers[0]).unwrap();
        assert_eq!(reply["id"], 1, "{reply}");
        assert!(
            reply["error"]["message"]
                .as_str()
                .unwrap()
                .contains("cannot record it"),
            "{reply}"
        );
        assert_eq!(reply["error"]["data"]["reached"], "not-sent", "{reply}");
    }
    assert_eq!(server.heard(), [], "a call went off the record");
    let log = gateway.log();
    assert!(log.contains("No space left"), "{log}");
    let told = log.matches("the call log cannot be written").count();
    assert!((1..30).contains(&told), "a line for each call: {log}");
    let now = gateway.readiness();
    assert_eq!(
        now["ready"], false,
        "a balancer sends calls elsewhere: {now}"
    );
    assert_eq!(now["conditions"], serde_json::json!(["call-log"]), "{now}");
}

#[test]
fn on_a_full_disk_calls_go_on_where_that_is_the_policy() {
    let server = server();
    let config = format!(
        "[call-log]\nto = \"/dev/full\"\non-failure = \"continue\"\n\n{}",
        server.config("fake")
    );
    let gateway = Gateway::start(&config);
    let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(CALL);
    assert_eq!(
        answers,
        [br#"{"jsonrpc":"2.0","id":1,"result":{"done":true}}"#]
    );
    assert_eq!(server.heard().len(), 1);
    let now = gateway.readiness();
    assert_eq!(now["ready"], true, "{now}");
    assert_eq!(now["conditions"], serde_json::json!(["call-log"]), "{now}");
    let log = gateway.log();
    assert!(log.contains("No space left"), "{log}");
}
