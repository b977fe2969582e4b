//! Ten servers behind one endpoint, one of which lets it down: clients see the other nine at once, and the tenth when it
//! is there.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use harness::{Era, FakeServer, Front, Gateway, Over, Reply, Script, Speaker};

const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","inputSchema":{"type":"object"}}]}}"#;
const GOOD: &str =
    r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[],"from":"good"}}"#;
/// From the client's first message to its first list, and to the reply to its first call: `list-timeout` and half a
/// second.
const FIRST: Duration = Duration::from_millis(2500);

fn list(era: Era) -> Vec<u8> {
    let meta = if era == Era::Modern { META } else { "" };
    let params = format!(r#"{{"x":1{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{params}}}"#).into()
}

fn call(era: Era) -> Vec<u8> {
    let meta = if era == Era::Modern { META } else { "" };
    let params = format!(r#"{{"name":"good3__t","arguments":{{}}{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{params}}}"#).into()
}

fn script() -> Script {
    Script::new()
        .on("tools/list", &[TOOLS])
        .on("tools/call", &[GOOD])
}

/// Nine servers that are well, five of them programs, beside one that is not.
fn ten(bad: &str) -> (Vec<FakeServer>, String) {
    let over = |n: usize| {
        if n.is_multiple_of(2) {
            Over::Stdio
        } else {
            Over::Http
        }
    };
    let good: Vec<_> = (0..9)
        .map(|n| FakeServer::over(over(n), script()))
        .collect();
    let tables = good.iter().enumerate();
    let tables: Vec<String> = tables
        .map(|(n, server)| server.config(&format!("good{n}")))
        .collect();
    let config = format!("{}\n{bad}", tables.join("\n"));
    (good, config)
}

fn open(over: Over, era: Era, config: &str) -> (Front, Instant) {
    match over {
        Over::Http => {
            let gateway = Gateway::start(config);
            let before = Instant::now();
            let speaker = Speaker::open(&gateway.mcp(""), era);
            (Front::Http(speaker, Some(gateway)), before)
        }
        Over::Stdio => {
            let mut pipe = Gateway::pipe(config, "");
            // It answers when it has started: that is not what is measured here.
            pipe.say(br#"{"jsonrpc":"2.0","id":"x","method":"no/such"}"#);
            let before = Instant::now();
            if era == Era::Legacy {
                pipe.say(Speaker::INITIALIZE);
                pipe.say(Speaker::INITIALIZED);
            }
            (Front::Stdio(pipe), before)
        }
    }
}

/// The nine are listed and called in good time, in both eras and over both transports.
#[track_caller]
fn nine_are_there(bad: &str) {
    let (_good, config) = ten(bad);
    let config = config.as_str();
    std::thread::scope(|scope| {
        for over in [Over::Http, Over::Stdio] {
            for era in [Era::Legacy, Era::Modern] {
                scope.spawn(move || in_good_time(over, era, config));
            }
        }
    });
}

fn in_good_time(over: Over, era: Era, config: &str) {
    let (mut client, before) = open(over, era, config);
    let listed = String::from_utf8(client.say(&list(era)).pop().unwrap()).unwrap();
    let first_list = before.elapsed();
    for n in 0..9 {
        let name = format!("\"good{n}__t\"");
        assert!(
            listed.contains(&name),
            "{over:?} {era:?}: no {name} in {listed}"
        );
    }
    let called = String::from_utf8(client.say(&call(era)).pop().unwrap()).unwrap();
    let first_call = before.elapsed() - first_list;
    assert!(
        called.contains(r#""from":"good""#),
        "{over:?} {era:?}: {called}"
    );
    assert!(
        first_list <= FIRST && first_call <= FIRST,
        "{over:?} {era:?}: list {first_list:?}, call {first_call:?}"
    );
    // Nobody waits twice.
    let again = Instant::now();
    client.say(&list(era));
    assert!(
        again.elapsed() < FIRST,
        "{over:?} {era:?}: {:?}",
        again.elapsed()
    );
}

fn program(script: &str) -> String {
    format!("[servers.bad]\ncommand = \"sh\"\nargs = [\"-c\", {script:?}]\n")
}

#[test]
fn one_that_hangs_timed() {
    nine_are_there("[servers.bad]\ncommand = \"sleep\"\nargs = [\"3600\"]\n");
}

#[test]
fn one_that_is_dead_timed() {
    nine_are_there(&program("exit 3"));
}

#[test]
fn one_that_speaks_garbage_timed() {
    nine_are_there(&program("while read line; do echo garbage; done"));
}

#[test]
fn one_that_accepts_and_is_silent_timed() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    nine_are_there(&format!("[servers.bad]\nurl = \"http://{address}/mcp\"\n"));
}

#[test]
fn one_that_takes_half_a_minute_timed() {
    let slow = FakeServer::http_with(move |heard| {
        std::thread::sleep(Duration::from_secs(30));
        match script().answer(&heard.body).pop() {
            Some(reply) => Reply::Json(reply),
            None => Reply::Status(202, "text/plain", Vec::new()),
        }
    });
    nine_are_there(&slow.config("bad"));
}

#[test]
fn one_at_whose_address_nobody_is_timed() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    nine_are_there(&format!("[servers.bad]\nurl = \"http://{address}/mcp\"\n"));
}

#[test]
fn one_that_starts_slowly_is_announced_when_it_is_there() {
    let (good, slow) = (FakeServer::stdio(&script()), FakeServer::stdio(&script()));
    let table = slow.config("late");
    let command = table
        .lines()
        .find(|line| line.starts_with("command"))
        .unwrap();
    let program = command.split('"').nth(1).unwrap();
    let folder = table.lines().find(|line| line.starts_with("args")).unwrap();
    let folder = folder.split('"').nth(1).unwrap();
    let late = format!(
        "[servers.late]\ncommand = \"sh\"\nargs = [\"-c\", \"sleep 4; exec {program} {folder}\"]\n"
    );
    let gateway = Gateway::start(&format!("{}\n{late}", good.config("good")));
    let client = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let listed = |client: &Speaker| {
        String::from_utf8(client.say(&list(Era::Legacy)).pop().unwrap()).unwrap()
    };
    let before = listed(&client);
    assert!(
        before.contains("good__t") && !before.contains("late__t"),
        "{before}"
    );
    let event = client.listen().next_event().unwrap();
    let said = String::from_utf8(event.data.unwrap()).unwrap();
    assert!(said.contains("notifications/tools/list_changed"), "{said}");
    let after = listed(&client);
    assert!(after.contains("late__t"), "{after}");
}

#[test]
fn one_that_comes_back_is_announced() {
    let good = FakeServer::stdio(&script());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let late = format!("[servers.late]\nurl = \"http://{address}/mcp\"\n");
    let gateway = Gateway::start(&format!("{}\n{late}", good.config("good")));
    let client = Speaker::open(&gateway.mcp(""), Era::Legacy);
    let listed = |client: &Speaker| {
        String::from_utf8(client.say(&list(Era::Legacy)).pop().unwrap()).unwrap()
    };
    assert!(!listed(&client).contains("late__t"));
    let _late = FakeServer::http_at(address, script());
    let said = client.listen().next_event().unwrap().data.unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("/list_changed"), "{said}");
    assert!(listed(&client).contains("late__t"));
}

#[test]
fn one_that_is_down_says_so_at_once_on_its_own_endpoint() {
    let hanging = "[servers.bad]\ncommand = \"sleep\"\nargs = [\"3600\"]\nstart-timeout = \"1s\"\n";
    let gateway = Gateway::start(hanging);
    let client = |message: &[u8]| {
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let reply = harness::request("POST", &gateway.mcp("bad"), &headers, message);
        String::from_utf8(reply.body()).unwrap()
    };
    // A modern client finds out, and whoever comes then is told.
    let modern = Speaker::open(&gateway.mcp("bad"), Era::Modern);
    let first = String::from_utf8(modern.post(&list(Era::Modern)).body()).unwrap();
    assert!(first.contains("said nothing for 1 s"), "{first}");
    let before = Instant::now();
    let said = client(Speaker::INITIALIZE);
    assert!(said.contains("is down"), "{said}");
    assert!(
        before.elapsed() < Duration::from_millis(900),
        "{:?}",
        before.elapsed()
    );
    let status = gateway.command(&["status"]).output;
    assert!(
        status.contains("bad") && status.contains("down"),
        "{status}"
    );
}
