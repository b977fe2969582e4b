//! Servers that come, go and change.

use std::sync::mpsc::channel;
use std::thread;

use harness::{Era, FakeServer, Gateway, Reply, Save, Script, Speaker, request};
use parking_lot::Mutex;
use serde_json::Value;

const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const HEADERS: [(&str, &str); 5] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "any"),
];

fn config(servers: &str) -> String {
    format!("[gateway]\nlisten = \"127.0.0.1:0\"\n\n{servers}")
}

fn answering(from: &str) -> FakeServer {
    let answer = format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"from":"{from}"}}}}"#);
    FakeServer::http(Script::new().on("tools/call", &[&answer]))
}

fn who_answers(gateway: &Gateway) -> String {
    let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(CALL);
    let reply: Value = serde_json::from_slice(&answers[0]).unwrap();
    reply["result"]["from"]
        .as_str()
        .unwrap_or_else(|| panic!("{reply}"))
        .to_owned()
}

#[test]
fn a_call_under_way_is_answered_by_the_server_that_it_went_to() {
    let (release, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let old = FakeServer::http_with(move |heard| {
        if let Some(gate) = gate.lock().take() {
            let _ = gate.recv();
        }
        let reply = Script::new().on(
            "tools/call",
            &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"from":"old"}}"#],
        );
        Reply::Json(reply.answer(&heard.body).remove(0))
    });
    let new = answering("new");
    let gateway = Gateway::start(&config(&old.config("fake")));
    let url = gateway.mcp("fake");
    let calling = thread::spawn(move || request("POST", &url, &HEADERS, CALL).body());
    old.wait_for("tools/call", 1);
    Save::RenameOver.write(
        &gateway.config_file(),
        config(&new.config("fake")).as_bytes(),
    );
    gateway.await_version(2);
    assert_eq!(who_answers(&gateway), "new");
    release.send(()).unwrap();
    let answer = calling.join().unwrap();
    assert_eq!(
        answer,
        br#"{"jsonrpc":"2.0","id":1,"result":{"from":"old"}}"#
    );
    assert_eq!((old.heard().len(), new.heard().len()), (1, 1));
}

#[test]
fn a_server_that_is_gone_ends_its_sessions_and_the_others_keep_theirs() {
    let (staying, going) = (answering("staying"), FakeServer::stdio(&Script::new()));
    let both = format!("{}\n{}", staying.config("fake"), going.config("going"));
    let gateway = Gateway::start(&config(&both));
    let stays = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let goes = Speaker::open(&gateway.mcp("going"), Era::Legacy);
    let list = br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    assert_eq!(goes.post(list).status, 200);

    Save::RenameOver.write(
        &gateway.config_file(),
        config(&staying.config("fake")).as_bytes(),
    );
    gateway.await_version(2);
    assert_eq!(
        goes.post(list).status,
        404,
        "the client begins anew, and finds out"
    );
    assert_eq!(gateway.readiness()["servers"], serde_json::json!(["fake"]));
    assert_eq!(stays.post(list).status, 200);

    Save::RenameOver.write(&gateway.config_file(), config(&both).as_bytes());
    gateway.await_version(3);
    assert_eq!(
        goes.post(list).status,
        404,
        "another server, though its name is the same"
    );
    assert_eq!(
        Speaker::open(&gateway.mcp("going"), Era::Legacy)
            .post(list)
            .status,
        200
    );
    assert_eq!(stays.post(list).status, 200);
}

#[test]
fn a_secret_that_is_rotated_is_sent_from_then_on() {
    let server = answering("anybody");
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    Save::SwapLink.write(&token, b"Bearer first\n");
    let table = format!(
        "{}headers = {{ Authorization = {{ from-file = {token:?} }} }}\n",
        server.config("fake")
    );
    let gateway = Gateway::start(&config(&table));
    who_answers(&gateway);
    Save::SwapLink.write(&token, b"Bearer second\n");
    gateway.await_version(2);
    who_answers(&gateway);
    let sent: Vec<_> = server
        .heard()
        .iter()
        .map(|heard| heard.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        sent,
        [
            Some("Bearer first".to_owned()),
            Some("Bearer second".to_owned())
        ]
    );
    assert!(!gateway.log().contains("Bearer"));
}
