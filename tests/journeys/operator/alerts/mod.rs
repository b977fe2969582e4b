//! Something odd wakes somebody, once; what is as every day wakes nobody.

mod changed;
mod receivers;
mod signed;

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{FakeServer, Gateway, Heard, Reply, Script, request};
use serde_json::{Value, json};

/// How long a message may take that is to come. It is mostly there at once.
const SOON: Duration = Duration::from_secs(20);

/// A client's key, and the lines that let it in.
pub(super) fn client(name: &str) -> (String, String) {
    let made = Command::new(harness::sandgate())
        .args(["token", name])
        .output()
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let token = text.split("Bearer ").nth(1).unwrap();
    let token = token.lines().next().unwrap();
    let lines = text[text.find("[clients").unwrap()..].to_owned();
    (format!("Bearer {token}"), lines)
}

/// Calls a tool as a modern client, with or without a key. Plugins that misbehave are asked to.
pub(super) fn call(gateway: &Gateway, key: Option<&str>, server: &str, tool: &str) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {}, "misbehave": true, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "journey", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    } });
    // What no header can have is written as the protocol says.
    let name = match tool.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true => tool.to_owned(),
        false => {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(tool);
            format!("=?base64?{encoded}?=")
        }
    };
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", &*name),
    ];
    headers.extend(key.map(|key| ("authorization", key)));
    let body = message.to_string();
    let answer = request("POST", &gateway.mcp(server), &headers, body.as_bytes());
    serde_json::from_slice(&answer.messages().pop().unwrap_or_default()).unwrap_or_default()
}

/// A receiver that takes everything.
pub(super) fn receiver() -> FakeServer {
    FakeServer::http_with(|_| Reply::Status(204, "text/plain", Vec::new()))
}

/// Where it takes it.
pub(super) fn url(receiver: &FakeServer) -> String {
    let config = receiver.config("x");
    let line = config.lines().find_map(|line| line.strip_prefix("url = "));
    line.unwrap().trim_matches('"').to_owned()
}

/// The messages that a receiver heard, as JSON.
pub(super) fn bodies(receiver: &FakeServer) -> Vec<Value> {
    let heard = receiver.heard();
    let all = heard
        .iter()
        .map(|heard| serde_json::from_slice(&heard.body).unwrap());
    all.collect()
}

/// The messages of webhooks, as `alert status`, once there are as many as that.
pub(super) fn told(receiver: &FakeServer, number: usize) -> Vec<String> {
    until(|| bodies(receiver).len() >= number, receiver);
    let all = bodies(receiver);
    let all = all.iter().map(|body| {
        let data = &body["data"];
        format!(
            "{} {}",
            data["alert"].as_str().unwrap(),
            data["status"].as_str().unwrap()
        )
    });
    all.collect()
}

pub(super) fn until(mut so: impl FnMut() -> bool, receiver: &FakeServer) {
    let end = Instant::now() + SOON;
    while !so() {
        assert!(Instant::now() < end, "{:#?}", bodies(receiver));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the call log has of alerts, as `alert status`.
pub(super) fn recorded(gateway: &Gateway) -> Vec<String> {
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let records = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let alerts = records.filter(|record| record["record"] == "alert");
    let words = alerts.map(|it| {
        format!(
            "{} {}",
            it["alert"].as_str().unwrap(),
            it["status"].as_str().unwrap()
        )
    });
    words.collect()
}

pub(super) fn alerts(gateway: &Gateway) -> Value {
    let asked = gateway.command(&["alerts", "--json"]);
    serde_json::from_str(&asked.output).unwrap_or_else(|_| panic!("{asked:?}"))
}

/// Answers tools; one of them takes its time.
fn desk() -> FakeServer {
    FakeServer::http_with(|heard: &Heard| {
        if String::from_utf8_lossy(&heard.body).contains("\"nap\"") {
            std::thread::sleep(Duration::from_millis(2500));
        }
        let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[]}}"#;
        match Script::new()
            .on("tools/call", &[fine])
            .answer(&heard.body)
            .pop()
        {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        }
    })
}

/// A rule with a receiver.
pub(super) fn rule(name: &str, rest: &str, receiver: &FakeServer) -> String {
    let url = url(receiver);
    format!("[[alerts]]\nname = \"{name}\"\n{rest}\nto = {{ webhook = \"{url}\" }}\n\n")
}

#[test]
fn each_trouble_wakes_somebody_once_and_a_day_without_any_wakes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let traps = folder.path().join("traps.wasm");
    std::fs::write(&traps, sandgate_guests::find("traps").unwrap().bytes).unwrap();
    let (desk, fragile, wakes) = (desk(), desk(), receiver());
    let (ada, let_ada) = client("ada");
    let (eve, let_eve) = client("eve");
    let rules = [
        ("view", "on = [\"refusals\"]\nrule = \"view.*\""),
        (
            "burst",
            "on = [\"refusals\"]\nmore-than = 20\nwithin = \"1h\"",
        ),
        ("trap", "on = [\"fault\"]\nrule = \"trap\""),
        (
            "server",
            "on = [\"fault\"]\nrule = \"server\"\nservers = [\"gone\"]",
        ),
        (
            "slow",
            "on = [\"latency\"]\nslower-than = \"2s\"\nservers = [\"desk\"]",
        ),
        ("stop", "on = [\"stop\"]"),
        ("audit", "on = [\"audit\"]"),
        (
            "bob",
            "on = [\"finding\", \"refusals\", \"fault\", \"latency\"]\nslower-than = \"1ms\"\nclients = [\"bob\"]",
        ),
    ];
    let rules: String = rules
        .iter()
        .map(|(name, rest)| rule(name, rest, &wakes))
        .collect();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n[telemetry]\n\
         metrics = \"127.0.0.1:0\"\n{let_ada}\n{let_eve}\n[views.all]\nclients = [\"ada\", \"eve\"]\nallow = [\"*/*\"]\n\
         deny = [\"desk/drop*\"]\n{}{}[servers.gone]\nurl = \"http://127.0.0.1:9/mcp\"\n[[interceptors]]\nname = \"frail\"\n\
         plugin = {traps:?}\nservers = [\"fragile\"]\ntimeout = \"20s\"\n{rules}",
        desk.config("desk"),
        fragile.config("fragile"),
    );
    let gateway = Gateway::start(&config);

    // A day without trouble.
    for _ in 0..30 {
        assert!(call(&gateway, Some(&ada), "desk", "look")["result"].is_object());
    }
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(told(&wakes, 0), [""; 0]);

    let mut expected: Vec<String> = Vec::new();
    let mut wakes_once = |name: &str, number: usize, act: &dyn Fn()| {
        for _ in 0..number {
            act();
        }
        expected.push(format!("{name} firing"));
        assert_eq!(told(&wakes, expected.len()), expected, "{name}");
    };
    wakes_once("view", 3, &|| {
        drop(call(&gateway, Some(&ada), "desk", "drop_all"))
    });
    wakes_once("trap", 3, &|| {
        drop(call(&gateway, Some(&ada), "fragile", "look"))
    });
    wakes_once("server", 2, &|| {
        drop(call(&gateway, Some(&ada), "gone", "look"))
    });
    wakes_once("slow", 2, &|| {
        drop(call(&gateway, Some(&ada), "desk", "nap"))
    });
    let stop = ["stop", "tool", "desk/look", "--why", "INC-1"];
    wakes_once("stop", 1, &|| {
        assert_eq!(gateway.command(&stop).code, Some(0))
    });
    // Ada's six refusals so far are no burst. Neither are they part of eve's.
    wakes_once("view", 1, &|| {
        drop(call(&gateway, Some(&eve), "desk", "drop_all"))
    });
    wakes_once("burst", 60, &|| {
        drop(call(&gateway, Some(&eve), "desk", "drop_all"))
    });

    let all = bodies(&wakes);
    let of = |at: usize| &all[at]["data"];
    for (at, key, value) in [
        (0, "client", "ada"),
        (0, "code", "view.denied"),
        (0, "tool", "drop_all"),
        (1, "subject", "frail"),
        (2, "server", "gone"),
        (4, "detail", "INC-1"),
        (4, "subject", "tool desk/look"),
        (5, "client", "eve"),
        (6, "subject", "eve"),
    ] {
        assert_eq!(of(at)[key], value, "{at}: {}", all[at]);
    }
    assert_eq!(of(6)["count"], 21);
    let resumed = gateway.command(&["resume", "tool", "desk/look", "--why", "mended"]);
    assert_eq!(resumed.code, Some(0));
    expected.push("stop resolved".to_owned());
    assert_eq!(told(&wakes, expected.len()), expected);

    // Everywhere the same is told.
    assert_eq!(recorded(&gateway), expected);
    let call_id = of(0)["call"].as_str().unwrap();
    let story = gateway.command(&["why", call_id]).output;
    assert!(story.contains("view.denied"), "{story}");
    let listed = alerts(&gateway);
    let firing = |name: &str| {
        let all = listed.as_array().unwrap().iter();
        let one = all.into_iter().find(|it| it["name"] == name).unwrap();
        one["firing"].as_array().unwrap().len()
    };
    let numbers = [
        "view", "burst", "trap", "server", "slow", "stop", "audit", "bob",
    ]
    .map(firing);
    assert_eq!(numbers, [2, 1, 1, 1, 1, 0, 0, 0], "{listed:#}");
    let status = gateway.command(&["status"]).output;
    assert!(
        status.contains("alerts         8 rules, 6 firing\n"),
        "{status}"
    );
    let page = metrics(&gateway);
    for line in [
        "sandgate_alerts_firing{alert=\"view\"} 2",
        "sandgate_alert_messages_total{alert=\"view\",result=\"sent\"} 2",
        "sandgate_alert_messages_total{alert=\"stop\",result=\"sent\"} 2",
        "sandgate_alert_messages_total{alert=\"bob\",result=\"failed\"} 0",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}

pub(super) fn metrics(gateway: &Gateway) -> String {
    let log = gateway.log_with("metrics");
    let at = log.find("/metrics").unwrap_or_else(|| panic!("{log}"));
    let start = log[..at].rfind("http://").unwrap();
    let page = request("GET", &log[start..at + "/metrics".len()], &[], b"");
    String::from_utf8(page.body()).unwrap()
}

#[test]
fn a_call_log_that_cannot_be_written_wakes_somebody_until_it_can() {
    let (desk, wakes) = (desk(), receiver());
    let config = |log: &str| {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"{log}\"\n{}{}",
            desk.config("desk"),
            rule("audit", "on = [\"audit\"]", &wakes)
        )
    };
    let gateway = Gateway::start(&config("/dev/full"));
    for _ in 0..3 {
        assert!(call(&gateway, None, "desk", "look")["error"].is_object());
    }
    assert_eq!(told(&wakes, 1), ["audit firing"]);
    assert_eq!(
        bodies(&wakes)[0]["data"]["subject"],
        "the call log cannot be written"
    );
    std::fs::write(gateway.config_file(), config("calls.jsonl")).unwrap();
    assert_eq!(gateway.command(&["reload"]).code, Some(0));
    assert!(call(&gateway, None, "desk", "look")["result"].is_object());
    assert_eq!(told(&wakes, 2), ["audit firing", "audit resolved"]);
}

#[test]
fn a_client_that_is_refused_over_and_over_hides_no_other() {
    let (desk, wakes) = (desk(), receiver());
    let (eve, let_eve) = client("eve");
    let (ada, let_ada) = client("ada");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{let_ada}\n{let_eve}\n\
         [views.all]\nclients = [\"ada\", \"eve\"]\nallow = [\"desk/look\"]\n{}{}",
        desk.config("desk"),
        rule("refused", "on = [\"refusals\"]\nwithin = \"5s\"", &wakes)
    );
    let gateway = Gateway::start(&config);
    let begun = Instant::now();
    let mut refused = 0_u64;
    // Ever other tools, some of them with names that would steer whoever reads them.
    while refused < 300 {
        let tool = format!("x{refused}<!channel>\u{1b}[2J\u{202e}\n");
        assert!(call(&gateway, Some(&eve), "desk", &tool)["error"].is_object());
        refused += 1;
        if refused == 150 {
            call(&gateway, Some(&ada), "desk", "drop");
        }
    }
    until(|| bodies(&wakes).len() >= 4, &wakes);
    let all = bodies(&wakes);
    let of = |client: &str, status: &str| -> Vec<&Value> {
        let fits =
            |body: &&Value| body["data"]["subject"] == client && body["data"]["status"] == status;
        all.iter().filter(fits).collect()
    };
    assert_eq!(of("ada", "firing").len(), 1, "{all:#?}");
    assert!(begun.elapsed() < SOON * 2);
    let (first, over) = (of("eve", "firing"), of("eve", "resolved"));
    assert_eq!((first.len(), over.len()), (1, 1), "{all:#?}");
    assert_eq!(over[0]["data"]["more"], refused - 1);
    let summary = over[0]["data"]["summary"].as_str().unwrap();
    assert!(summary.contains("[and 299 more]"), "{summary}");
    for body in &all {
        let text = body.to_string();
        assert!(
            !text.contains("\\u001b") && !text.contains('\u{202e}') && !text.contains("\\n"),
            "{text}"
        );
    }
}
