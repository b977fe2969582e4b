//! A caller that writes the log.

use harness::{Era, FakeServer, Gateway, Script, Speaker, request};

const PLAIN: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

fn works() -> Script {
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[],"contents":[]}}"#;
    Script::new()
        .on("tools/call", &[fine])
        .on("resources/read", &[fine])
}

/// Everything that the gateway has written: its log and its call log.
fn written(gateway: &Gateway) -> String {
    gateway.log() + &gateway.process.output()
}

fn initialize(name: &str) -> Vec<u8> {
    let info = serde_json::json!({"name": name, "version": name});
    let params = serde_json::json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
    serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        .to_string()
        .into_bytes()
}

#[test]
fn a_clients_endless_name_is_cut_in_every_record() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let url = gateway.mcp("fake");
    let began = request("POST", &url, &PLAIN, &initialize(&"n".repeat(1_900_000)));
    assert_eq!(began.status, 200);
    let session = began.header("mcp-session-id").unwrap().to_owned();
    let headers = [&PLAIN[..], &[("mcp-session-id", session.as_str())]].concat();
    for id in 1..=10 {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        request("POST", &url, &headers, ping.as_bytes()).body();
    }
    let written = written(&gateway);
    assert!(written.len() < 100_000, "{} bytes", written.len());
    assert!(written.contains("… (1900000 bytes)"));
}

#[test]
fn an_endless_method_is_refused_and_cut_in_the_log() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let method = "m".repeat(3_000_000);
    let message = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
    let refused = speaker.post(message.as_bytes());
    assert_eq!(refused.status, 400);
    assert!(refused.body().len() < 1_000);
    assert!(written(&gateway).len() < 100_000);
    assert!(server.heard_with("mmmm").is_empty());
}

#[test]
fn an_endless_target_is_cut_in_the_log() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let params = serde_json::json!({"name": "t".repeat(2_000_000), "arguments": {}});
    let call =
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    speaker.say(call.to_string().as_bytes());
    let written = written(&gateway);
    assert!(written.len() < 100_000, "{} bytes", written.len());
}

#[test]
fn a_protocol_version_is_no_place_for_a_novel() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let novel = "v".repeat(1_000_000);
    let params = serde_json::json!({"protocolVersion": novel, "capabilities": {}, "clientInfo": {"name": "n", "version": "1"}});
    let hello =
        serde_json::json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    request(
        "POST",
        &gateway.mcp("fake"),
        &PLAIN,
        hello.to_string().as_bytes(),
    )
    .body();
    let written = written(&gateway);
    assert!(written.len() < 100_000, "{} bytes", written.len());
}

#[test]
fn what_turns_a_line_round_is_escaped_in_the_call_log() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let name = "good\u{202e}lave\u{2066}\u{200f}\u{e0041}";
    request("POST", &gateway.mcp("fake"), &PLAIN, &initialize(name)).body();
    let written = written(&gateway);
    assert!(
        written.contains(r"good\u202elave\u2066\u200f\udb40\udc41"),
        "{written}"
    );
    assert!(!written.contains('\u{202e}') && !written.contains('\u{e0041}'));
}

#[test]
fn a_refused_uri_loses_its_secrets_in_the_call_log() {
    let server = FakeServer::http(works());
    let policy = r#"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
settings = { kinds = ["resources"], rules = [{ who = ["*"], allow = ["fake/file:///open/*"] }] }
"#;
    let gateway = Gateway::start(&format!("{}{policy}", server.config("fake")));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let read = br#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"https://ada:hunter2@example.com/a?token=swordfish#plum"}}"#;
    let said = speaker.say(read);
    assert!(String::from_utf8_lossy(&said.concat()).contains("error"));
    let written = written(&gateway);
    for secret in ["hunter2", "swordfish", "plum"] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[test]
fn a_calls_notifications_fill_no_disk() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"tick"}}"#;
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#;
    let mut messages = vec![progress; 20_000];
    messages.push(fine);
    for server in [
        FakeServer::http(Script::new().on("tools/call", &messages)),
        FakeServer::stdio(&Script::new().on("tools/call", &messages)),
    ] {
        let gateway = Gateway::start(&server.config("fake"));
        let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#;
        assert_eq!(speaker.say(call).len(), 20_001, "each one passes");
        speaker.end();
        let count = |log: &str| -> (usize, u64) {
            let records = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let records: Vec<serde_json::Value> = records.collect();
            let of = |kind: &str| {
                let of: Vec<_> = records
                    .iter()
                    .filter(|one| one["record"] == kind && one["method"] == "notifications/message")
                    .cloned()
                    .collect();
                of
            };
            let left_out = of("left-out");
            let left_out = left_out
                .iter()
                .map(|one| one["notifications"].as_u64().unwrap());
            (of("ended").len(), left_out.sum())
        };
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let (mut recorded, mut left_out) = (0, 0);
        while recorded as u64 + left_out < 20_000 && std::time::Instant::now() < until {
            (recorded, left_out) = count(&gateway.process.output());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(recorded as u64 + left_out, 20_000, "each one is counted");
        assert!(recorded < 4_000, "{recorded} of 20,000 have records");
    }
}

#[test]
fn a_servers_stderr_fills_no_disk() {
    let server = FakeServer::stdio(&works());
    let plain: toml::Table = server.config("fake").parse().unwrap();
    let of = |key: &str| plain["servers"]["fake"][key].clone();
    let script = "for i in $(seq 50000); do echo noise noise noise >&2; done; exec \"$0\" \"$1\"";
    let args = toml::Value::Array(vec![
        "-c".into(),
        script.into(),
        of("command"),
        of("args")[0].clone(),
    ]);
    let config = format!("[servers.fake]\ncommand = \"sh\"\nargs = {args}\n");
    let gateway = Gateway::start(&config);
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    speaker.say(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    speaker.end();
    let log = gateway.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("noise noise"))
        .count();
    assert!(
        (1..10_000).contains(&lines),
        "{lines} of 50,000 lines were logged"
    );
    assert!(log.contains("more lines of its stderr were left out"));
}
