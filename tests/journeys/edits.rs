//! After an interceptor changed one value, only that value differs; in audit, nothing does.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use harness::{Chunk, Era, FakeServer, Front, Gateway, Over, Script, Speaker};

const ASK_PERSONAL: &[u8] =
    br#"{"jsonrpc":"2.0","id":"p\u0031","method":"tools/call","params":{"name":"personal","arguments":{}}}"#;
const PERSONAL: &str = r#"{ "result":{"vendor" : 1e400,"z":1.0,"content":[{"text":"anna.schmidt@example.org","type":"te\u0078t","n":-0}],"structuredContent":{"d":12345678901234567890123,"\u0061":"\/"} },"jsonrpc":"2.0" , "id":@ID@ }"#;
const SCRUB: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
settings = { entities = ["email"] }
"#;

#[test]
fn after_one_edit_only_that_value_differs() {
    let reply = PERSONAL.replace("@ID@", "\"p\\u0031\"");
    let (before, after) = reply.split_once("anna.schmidt@example.org").unwrap();
    for (client, behind) in [
        (Over::Http, Over::Http),
        (Over::Http, Over::Stdio),
        (Over::Stdio, Over::Stdio),
    ] {
        let server = FakeServer::over(behind, Script::new().on("personal", &[PERSONAL]));
        let mut front = Front::of_gateway(client, Era::Legacy, &(server.config("fake") + SCRUB));
        let answers = front.say(ASK_PERSONAL);
        assert_only_the_address_differs(&answers[0], before, after);
    }
}

#[test]
fn after_one_edit_of_an_event_only_that_value_differs() {
    let reply = PERSONAL.replace("@ID@", "\"p\\u0031\"");
    let (before, after) = reply.split_once("anna.schmidt@example.org").unwrap();
    let event = format!(": kept\nid: 5\ndata: {reply}\n\n");
    let server = FakeServer::streaming(vec![Chunk::Bytes(event.into())]);
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let events = Speaker::open(&gateway.mcp("fake"), Era::Legacy)
        .post(ASK_PERSONAL)
        .events();
    let last = events.last().unwrap();
    assert_eq!(
        (last.id.as_deref(), last.comments.as_slice()),
        (Some("5"), &[][..])
    );
    assert_only_the_address_differs(last.data.as_deref().unwrap(), before, after);
}

#[track_caller]
fn assert_only_the_address_differs(got: &[u8], before: &str, after: &str) {
    let got = std::str::from_utf8(got).unwrap();
    assert!(
        got.starts_with(before) && got.ends_with(after),
        "more than the address differs: {got}"
    );
    assert!(
        !got.contains("anna.schmidt"),
        "the address is still there: {got}"
    );
}

const AUDIT: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
mode = "audit"
"#;

#[test]
fn what_an_interceptor_in_audit_would_mask_is_not_masked() {
    for behind in [Over::Http, Over::Stdio] {
        let server = FakeServer::over(behind, Script::new().on("personal", &[PERSONAL]));
        let mut front =
            Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + AUDIT));
        let answers = front.say(ASK_PERSONAL);
        assert_eq!(
            String::from_utf8_lossy(&answers[0]),
            PERSONAL.replace("@ID@", "\"p\\u0031\""),
            "{behind:?}"
        );
    }
}
