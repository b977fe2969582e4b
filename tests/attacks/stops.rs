//! What an operator has stopped, and those who go on all the same: by another door, by another name, or by having begun
//! before.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::{Ended, FakeServer, Gateway, Script, request};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::callers::{Callers, PLAIN, SOON, connect, raise_open_files, wait_until};

/// Lists a tool, a prompt and a resource, promises a task for the tool `slow`, and answers whatever it is asked.
fn script() -> Script {
    let list = |member: &str, identity: &str, names: &[&str]| {
        let items: Vec<Value> = names
            .iter()
            .map(
                |name| json!({ identity: name, "name": name, "inputSchema": { "type": "object" } }),
            )
            .collect();
        let result = json!({ member: items, "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public" });
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
    };
    let task = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"task","taskId":"t-1","status":"working","createdAt":"2026-01-01T00:00:00Z","ttlMs":null}}"#;
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","taskId":"t-1","status":"completed","content":[],"messages":[],"contents":[],"completion":{"values":[]}}}"#;
    let mut script = Script::new()
        .on(
            "\"tools/list\"",
            &[&list("tools", "name", &["look", "drop"])],
        )
        .on("\"prompts/list\"", &[&list("prompts", "name", &["greet"])])
        .on(
            "\"resources/list\"",
            &[&list("resources", "uri", &["note://a"])],
        )
        .on("\"slow\"", &[task]);
    for method in [
        "tools/call",
        "tasks/get",
        "prompts/get",
        "resources/read",
        "completion/complete",
    ] {
        script = script.on(&format!("\"{method}\""), &[fine]);
    }
    script
}

/// Asks as a modern client; the status and what came back.
fn modern(
    callers: &Callers,
    token: &str,
    server: &str,
    method: &str,
    params: &Value,
) -> (u16, String) {
    let mut params = params.clone();
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {} });
    let name = params["name"].as_str().or(params["uri"].as_str());
    // What is no ASCII is in the body alone, encoded there as the protocol says.
    let name = name.map(|name| match name.is_ascii() {
        true => name.to_owned(),
        false => {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(name);
            format!("=?base64?{encoded}?=")
        }
    });
    let mut headers = vec![
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let said = callers.send(token, server, &headers, body.to_string().as_bytes());
    (
        said.status,
        String::from_utf8_lossy(&said.body()).into_owned(),
    )
}

/// Asks in a legacy session; what came back.
fn within(callers: &Callers, token: &str, server: &str, session: &str, body: &Value) -> String {
    let said = callers.send(
        token,
        server,
        &[("mcp-session-id", session)],
        body.to_string().as_bytes(),
    );
    String::from_utf8_lossy(&said.body()).into_owned()
}

fn call_of(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

fn stop(gateway: &Gateway, kind: &str, name: &str) -> Ended {
    let done = gateway.command(&["stop", kind, name, "--why", "an attack"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

fn calls(server: &FakeServer) -> usize {
    server.heard_with("\"tools/call\"").len()
}

#[test]
fn a_stopped_client_comes_back_by_no_door() {
    let server = FakeServer::http(script());
    let log = "[call-log]\nto = \"calls.jsonl\"\n";
    let callers = Callers::start("", "", &format!("{log}{}", server.config("desk")));
    let session = callers.begin(&callers.eve, "desk").unwrap();
    let merged = callers.begin(&callers.eve, "").unwrap();
    let said = within(&callers, &callers.eve, "desk", &session, &call_of("look"));
    assert!(said.contains("result"), "{said}");
    stop(&callers.gateway, "client", "eve");
    let before = server.heard().len();
    let stopped = |said: &str| {
        assert!(
            said.contains("the gateway's operator has stopped this client"),
            "{said}"
        );
    };
    for (endpoint, session, tool) in [("desk", &session, "look"), ("", &merged, "desk__look")] {
        stopped(&within(
            &callers,
            &callers.eve,
            endpoint,
            session,
            &call_of(tool),
        ));
        let params = json!({ "name": tool, "arguments": {} });
        let (status, said) = modern(&callers, &callers.eve, endpoint, "tools/call", &params);
        assert_eq!(status, 403);
        stopped(&said);
        // A new session, a stream, and what needs no session.
        assert!(callers.begin(&callers.eve, endpoint).is_none());
        for method in ["tools/list", "server/discover", "subscriptions/listen"] {
            let (status, said) = modern(&callers, &callers.eve, endpoint, method, &json!({}));
            assert_eq!(status, 403, "{method}");
            stopped(&said);
        }
        let headers = [
            ("accept", "text/event-stream"),
            ("authorization", callers.eve.as_str()),
            ("mcp-session-id", session.as_str()),
        ];
        let listens = request("GET", &callers.gateway.mcp(endpoint), &headers, b"");
        assert_eq!(listens.status, 403);
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/progress",
            "params": { "progressToken": 1, "progress": 1 } });
        stopped(&within(&callers, &callers.eve, endpoint, session, &note));
    }
    // Nothing that it writes itself gets into the log by this door.
    let params = json!({ "name": "hush-name", "arguments": {} });
    for method in ["tools/call", "hush-method"] {
        let (status, said) = modern(&callers, &callers.eve, "desk", method, &params);
        assert_eq!(status, 403, "{method}");
        stopped(&said);
    }
    let log = callers.gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.contains("stop.client") && !log.contains("hush"),
        "{log}"
    );
    let heard = server.heard();
    let after: Vec<_> = heard[before..]
        .iter()
        .filter(|heard| !heard.body.is_empty())
        .collect();
    assert!(after.is_empty(), "{after:?}");
    let params = json!({ "name": "look", "arguments": {} });
    let (status, said) = modern(&callers, &callers.ada, "desk", "tools/call", &params);
    assert_eq!(status, 200, "others go on: {said}");
    assert_eq!(
        callers.gateway.command(&["resume", "client", "eve"]).code,
        Some(0)
    );
    let (status, _) = modern(&callers, &callers.eve, "desk", "tools/call", &params);
    assert_eq!(status, 200);
}

#[test]
fn a_stopped_tool_is_reached_by_no_route_and_in_no_spelling() {
    let server = FakeServer::http(script());
    let callers = Callers::start("", "", &server.config("desk"));
    let session = callers.begin(&callers.eve, "desk").unwrap();
    let merged = callers.begin(&callers.eve, "").unwrap();
    stop(&callers.gateway, "tool", "desk/look");
    let before = calls(&server);
    let spellings = [
        "look",
        "LOOK",
        "Look",
        "l\u{2060}ook",
        "look\u{200b}",
        "\u{ff4c}ook",
    ];
    for tool in spellings {
        for (endpoint, session, tool) in [
            ("desk", &session, tool.to_owned()),
            ("", &merged, format!("desk__{tool}")),
        ] {
            let said = within(&callers, &callers.eve, endpoint, session, &call_of(&tool));
            assert!(
                said.contains("has stopped this tool"),
                "{tool:?} at {endpoint:?}: {said}"
            );
            let params = json!({ "name": tool, "arguments": {} });
            let (_, said) = modern(&callers, &callers.eve, endpoint, "tools/call", &params);
            assert!(
                !said.contains("\"result\""),
                "{tool:?} at {endpoint:?}: {said}"
            );
        }
    }
    assert_eq!(calls(&server), before);
    for (endpoint, drop) in [("desk", "drop"), ("", "desk__drop")] {
        let (_, list) = modern(&callers, &callers.eve, endpoint, "tools/list", &json!({}));
        assert!(list.contains(drop) && !list.contains("look"), "{list}");
        assert!(
            list.contains("\"ttlMs\":0"),
            "a stop may be lifted at any time: {list}"
        );
        let params = json!({ "name": drop, "arguments": {} });
        let (_, said) = modern(&callers, &callers.eve, endpoint, "tools/call", &params);
        assert!(said.contains("\"result\""), "{said}");
    }
}

#[test]
fn the_task_of_a_tool_that_is_stopped_since_tells_nothing() {
    let server = FakeServer::http(script());
    let callers = Callers::start("", "", &server.config("desk"));
    let params = json!({ "name": "slow", "arguments": {} });
    let (_, begun) = modern(&callers, &callers.eve, "desk", "tools/call", &params);
    assert!(begun.contains("t-1"), "{begun}");
    stop(&callers.gateway, "tool", "desk/slow");
    // Nor does one of which the gateway does not know whose it is.
    for (endpoint, id) in [("desk", "t-1"), ("", "t-1"), ("desk", "t-9")] {
        let (_, said) = modern(
            &callers,
            &callers.eve,
            endpoint,
            "tasks/get",
            &json!({ "taskId": id }),
        );
        assert!(said.contains("has stopped this tool"), "{id}: {said}");
    }
    assert!(server.heard_with("\"tasks/get\"").is_empty());
}

#[test]
fn a_stopped_server_is_asked_nothing_by_any_method() {
    let (desk, other) = (FakeServer::http(script()), FakeServer::http(script()));
    let servers = format!("{}{}", desk.config("desk"), other.config("other"));
    let callers = Callers::start("", "", &servers);
    let session = callers.begin(&callers.eve, "desk").unwrap();
    let merged = callers.begin(&callers.eve, "").unwrap();
    let (_, list) = modern(&callers, &callers.eve, "desk", "tools/list", &json!({}));
    assert!(list.contains("look"), "{list}");
    stop(&callers.gateway, "server", "desk");
    let before = desk.heard().len();
    let asked = [
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "look", "arguments": {} })),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "greet" })),
        ("resources/list", json!({})),
        ("resources/read", json!({ "uri": "note://a" })),
        ("server/discover", json!({})),
        (
            "subscriptions/listen",
            json!({ "notifications": { "toolsListChanged": true } }),
        ),
    ];
    for (method, params) in &asked {
        let (_, said) = modern(&callers, &callers.eve, "desk", method, params);
        assert!(said.contains("has stopped this server"), "{method}: {said}");
    }
    for tool in ["desk__look", "desk__drop"] {
        let params = json!({ "name": tool, "arguments": {} });
        let (_, said) = modern(&callers, &callers.eve, "", "tools/call", &params);
        assert!(said.contains("has stopped this server"), "{said}");
        let said = within(&callers, &callers.eve, "", &merged, &call_of(tool));
        assert!(said.contains("has stopped this server"), "{said}");
    }
    let said = within(&callers, &callers.eve, "desk", &session, &call_of("look"));
    assert!(said.contains("no such session"), "{said}");
    assert!(callers.begin(&callers.eve, "desk").is_none());
    // Left out of the whole as one that is down is.
    let (_, list) = modern(&callers, &callers.eve, "", "tools/list", &json!({}));
    assert!(
        list.contains("other__look") && !list.contains("desk__"),
        "{list}"
    );
    let heard = desk.heard();
    let after: Vec<_> = heard[before..]
        .iter()
        .filter(|heard| !heard.body.is_empty())
        .collect();
    assert!(after.is_empty(), "{after:?}");
    assert_eq!(
        callers.gateway.command(&["resume", "server", "desk"]).code,
        Some(0)
    );
    wait_until("the server is back in the whole", || {
        let (_, list) = modern(&callers, &callers.eve, "", "tools/list", &json!({}));
        list.contains("desk__look")
    });
    let said = within(&callers, &callers.eve, "", &merged, &call_of("desk__look"));
    assert!(said.contains("\"result\""), "{said}");
}

#[test]
fn a_stopped_program_is_ended_and_not_started_again() {
    let program = FakeServer::stdio(&script());
    let callers = Callers::start("", "", &program.config("desk"));
    callers.begin(&callers.eve, "desk").unwrap();
    let children = || -> u64 {
        let status = callers.gateway.command(&["status", "--json"]).output;
        let status: Value = serde_json::from_str(&status).unwrap();
        status["servers"][0]["children"].as_u64().unwrap()
    };
    assert!(children() > 0);
    stop(&callers.gateway, "server", "desk");
    assert_eq!(children(), 0);
    assert!(callers.begin(&callers.eve, "desk").is_none());
    let (_, said) = callers.call(&callers.eve, "", "desk__look");
    assert!(said.contains("has stopped this server"), "{said}");
    assert_eq!(children(), 0);
    assert_eq!(
        callers.gateway.command(&["resume", "server", "desk"]).code,
        Some(0)
    );
    wait_until("the program is started again", || {
        callers.begin(&callers.eve, "desk").is_some()
    });
}

/// An interceptor in which every call waits for a second, and then passes.
fn waits(folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("sleeps.wasm");
    std::fs::write(&file, sandgate_guests::find("sleeps").unwrap().bytes).unwrap();
    format!(
        "[[interceptors]]\nname = \"waits\"\nplugin = {file:?}\ntimeout = \"1s\"\nfail-open = true\nhooks = [\"pre-call\"]\n"
    )
}

/// Sends a call of the tool `look` that waits in the interceptor, and leaves the connection open.
fn begin_waiting(callers: &Callers) -> TcpStream {
    let mut body: Value = serde_json::from_slice(&crate::callers::call("look", "")).unwrap();
    body["params"]["misbehave"] = json!(true);
    let body = body.to_string();
    let authority = callers.gateway.url.trim_start_matches("http://");
    let mut stream = connect(&callers.gateway, Ipv4Addr::LOCALHOST);
    let head = format!(
        "POST /mcp/desk HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
         Mcp-Name: look\r\nContent-Length: {}\r\n\r\n{body}",
        callers.eve,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_call_that_is_inside_an_interceptor_when_the_stop_comes_is_not_sent() {
    for (kind, name) in [
        ("server", "desk"),
        ("client", "eve"),
        ("tool", "desk/look"),
        ("plugin", "waits"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = FakeServer::http(script());
        let interceptors = waits(&folder);
        let servers = format!("{}{interceptors}", server.config("desk"));
        let callers = Callers::start("", "", &servers);
        let mut waiting = begin_waiting(&callers);
        std::thread::sleep(Duration::from_millis(300));
        stop(&callers.gateway, kind, name);
        let said = answer(&mut waiting);
        assert!(said.contains("was not sent"), "{kind}: {said}");
        assert_eq!(calls(&server), 0, "{kind}");
    }
}

#[test]
fn what_a_stopped_plugin_would_judge_is_not_let_through_unjudged() {
    let server = FakeServer::http(script());
    let scrub = "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ntimeout = \"20s\"\n\
                 fail-open = true\nsettings = { entities = [\"email\"] }\n";
    let callers = Callers::start("", "", &format!("{}{scrub}", server.config("desk")));
    // By the plugin's own name, which stands for all its interceptors.
    stop(&callers.gateway, "plugin", "pii-scrubber");
    for (endpoint, tool) in [("desk", "look"), ("", "desk__look")] {
        let (_, said) = callers.call(&callers.eve, endpoint, tool);
        assert!(
            said.contains("stop.plugin") && said.contains("scrub"),
            "{said}"
        );
        let session = callers.begin(&callers.eve, endpoint);
        let said = session.map(|it| within(&callers, &callers.eve, endpoint, &it, &call_of(tool)));
        assert!(said.is_none_or(|said| said.contains("stop.plugin")));
    }
    assert_eq!(calls(&server), 0);
    let resumed = callers
        .gateway
        .command(&["resume", "plugin", "pii-scrubber"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let (_, said) = callers.call(&callers.eve, "desk", "look");
    assert!(said.contains("\"result\""), "{said}");
}

/// A server that answers nothing and notes when each call began.
struct Counting {
    url: String,
    begun: Arc<Mutex<Vec<Instant>>>,
    ended: Arc<AtomicBool>,
}

impl Counting {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let begun = Arc::<Mutex<Vec<Instant>>>::default();
        let ended = Arc::<AtomicBool>::default();
        let (notes, end) = (begun.clone(), ended.clone());
        std::thread::spawn(move || {
            let mut open: Vec<(TcpStream, Vec<u8>)> = Vec::new();
            while !end.load(Ordering::Relaxed) {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true).unwrap();
                    open.push((stream, Vec::new()));
                }
                open.retain_mut(|(stream, heard)| {
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer) {
                        Ok(0) => false,
                        Ok(n) => {
                            let before = count(heard);
                            heard.extend_from_slice(&buffer[..n]);
                            let new = count(heard) - before;
                            notes.lock().extend((0..new).map(|_| Instant::now()));
                            true
                        }
                        Err(error) => error.kind() == ErrorKind::WouldBlock,
                    }
                });
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { url, begun, ended }
    }

    fn begun(&self) -> usize {
        self.begun.lock().len()
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// How many calls are in what was heard. The name stands in a header, too.
fn count(heard: &[u8]) -> usize {
    String::from_utf8_lossy(heard)
        .matches("\"method\":\"tools/call\"")
        .count()
}

/// The body of the one answer on a connection, after which nothing more may come.
fn answer(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut said = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).unwrap();
        said.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&said);
        let whole = text.split_once("\r\n\r\n").and_then(|(head, body)| {
            let head = head.to_lowercase();
            let length = head.split_once("content-length: ")?.1;
            let length: usize = length.lines().next()?.trim().parse().ok()?;
            assert!(body.len() <= length, "more than one answer: {text}");
            (body.len() == length).then(|| body.to_owned())
        });
        match whole {
            Some(body) => return body,
            None => assert!(n > 0, "closed without an answer: {text}"),
        }
    }
}

#[test]
fn of_a_thousand_calls_under_way_none_begins_after_the_stop() {
    const CALLS: usize = 1000;
    raise_open_files();
    let server = Counting::start();
    // One caller has 512 places at the server: the other calls wait for theirs, which the stop frees.
    let config = format!(
        "[servers.desk]\nurl = \"{}\"\nconnect-timeout = \"2m\"\nrequest-timeout = \"5m\"\n",
        server.url
    );
    let callers = Callers::start("max-connections = 4096", "", &config);
    let mut waiting: Vec<TcpStream> = (0..CALLS)
        .map(|_| callers.leave_open(&callers.eve, "desk", "look"))
        .collect();
    let all_under_way = || {
        let status = callers.gateway.command(&["status", "--json"]).output;
        let status: Value = serde_json::from_str(&status).unwrap();
        server.begun() >= 512 && status["under_way"].as_u64() == Some(CALLS as u64)
    };
    wait_until("all calls are under way", all_under_way);
    let asked = Instant::now();
    let stopped = stop(&callers.gateway, "server", "desk");
    let acknowledged = Instant::now();
    println!(
        "{} ({:?} with the command itself)",
        stopped.output.trim(),
        acknowledged - asked
    );
    for stream in &mut waiting {
        let said = answer(stream);
        assert!(said.contains("has stopped this server"), "{said}");
    }
    std::thread::sleep(Duration::from_secs(1));
    let begun = server.begun.lock();
    let late = begun.iter().filter(|began| **began > acknowledged).count();
    assert_eq!(late, 0, "of {} that began", begun.len());
    for stream in &mut waiting {
        stream.set_nonblocking(true).unwrap();
        let more = stream.read(&mut [0; 1]);
        let nothing = matches!(&more, Ok(0))
            || more
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert!(nothing, "a second answer: {more:?}");
    }
}

#[test]
fn a_stream_of_a_stopped_server_is_cut_and_its_call_answered_once() {
    use harness::Chunk;
    let event = |text: &str| format!("data: {text}\n\n").into_bytes();
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"on it"}}"#;
    let reply = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"LATE"}]}}"#;
    let (release, wait) = std::sync::mpsc::channel();
    let server = FakeServer::streaming(vec![
        Chunk::Bytes(event(note)),
        Chunk::Wait(wait),
        Chunk::Bytes(event(reply)),
    ]);
    let callers = Callers::start("", "", &server.config("desk"));
    let headers = [
        &PLAIN[..],
        &[
            ("authorization", callers.eve.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "look"),
        ],
    ]
    .concat();
    let body = crate::callers::call("look", "");
    let mut said = request("POST", &callers.gateway.mcp("desk"), &headers, &body);
    let first = said.next_event().and_then(|event| event.data).unwrap();
    assert!(String::from_utf8_lossy(&first).contains("on it"));
    stop(&callers.gateway, "server", "desk");
    drop(release);
    let rest = said.messages();
    let rest: Vec<_> = rest.iter().map(|it| String::from_utf8_lossy(it)).collect();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(
        rest[0].contains("given up") && !rest[0].contains("LATE"),
        "{rest:?}"
    );
}
