//! An operator stops what does harm: it is shown everywhere, kept over a restart, and lifted by word or by time.

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Gateway, request};
use serde_json::{Value, json};

use crate::operator::stage::{POLICIES, Stage, call};

fn json_of(gateway: &Gateway, args: &[&str]) -> Value {
    let asked = gateway.command(args);
    serde_json::from_str(&asked.output).unwrap_or_else(|_| panic!("{asked:?}"))
}

fn records(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// What the operator did, by the call log.
fn actions(log: &Path) -> Vec<Value> {
    let mut records = records(log);
    records.retain(|record| record["record"] == "operator");
    records
}

fn refusal(gateway: &Gateway, tool: &str) -> String {
    call(gateway, tool).to_string()
}

#[test]
fn a_stop_is_in_force_at_once_shown_everywhere_and_lifted() {
    let stage = Stage::new();
    let more = "[call-log]\nto = \"calls.jsonl\"\n[telemetry]\nmetrics = \"127.0.0.1:0\"\n";
    let gateway = Gateway::start(&stage.config("", &format!("{more}{POLICIES}")));
    let log = gateway.config_file().with_file_name("calls.jsonl");
    assert!(refusal(&gateway, "lookup").contains("it is open"));
    let stopped = gateway.command(&["stop", "tool", "desk/lookup", "--why", "it leaks"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(
        stopped
            .output
            .starts_with("tool desk/lookup is stopped until it is resumed, in force after ")
    );
    assert!(refusal(&gateway, "lookup").contains("has stopped this tool"));
    assert!(refusal(&gateway, "look_up_customer").contains("result"));

    let status = gateway.command(&["status"]).output;
    assert!(
        status.contains("desk/lookup") && status.contains("it leaks"),
        "{status}"
    );
    let stops = json_of(&gateway, &["stops", "--json"]);
    let own = rustix::process::getuid().as_raw();
    assert_eq!(stops[0]["kind"], "tool");
    assert_eq!(
        (&stops[0]["name"], &stops[0]["by"]),
        (&json!("desk/lookup"), &json!(own))
    );
    assert_eq!(gateway.readiness()["stopped"], json!({ "tool": 1 }));
    assert_eq!(gateway.readiness()["ready"], true);
    let metrics = metrics(&gateway);
    assert!(
        metrics.contains("sandgate_stops{kind=\"tool\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("sandgate_stops{kind=\"server\"} 0"),
        "{metrics}"
    );
    assert!(
        metrics.contains("sandgate_rule_refusals_total{code=\"stop.tool\"} 1"),
        "{metrics}"
    );
    let refused = records(&log);
    let refused = refused
        .iter()
        .find(|it| it["decision"] == "refused")
        .unwrap();
    let rule = json!({ "code": "stop.tool", "stopped": "desk/lookup", "why": "it leaks" });
    assert_eq!(refused["refused_by"], rule);
    let told = gateway
        .command(&["why", refused["id"].as_str().unwrap()])
        .output;
    let story = "refused: the operator has stopped tool desk/lookup (stop.tool), since: it leaks";
    assert!(told.contains(story), "{told}");

    let resumed = gateway.command(&["resume", "tool", "desk/lookup", "--why", "mended"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(refusal(&gateway, "lookup").contains("it is open"));
    assert_eq!(gateway.command(&["stops"]).output, "Nothing is stopped.\n");
    assert!(gateway.readiness().get("stopped").is_none());
    let actions = actions(&log);
    let told: Vec<_> = actions
        .iter()
        .map(|it| (it["action"].clone(), it["uid"].clone(), it["why"].clone()))
        .collect();
    let expected = [("stop", "it leaks"), ("resume", "mended")];
    assert_eq!(
        told,
        expected.map(|(action, why)| (json!(action), json!(own), json!(why)))
    );
}

fn metrics(gateway: &Gateway) -> String {
    let log = gateway.log_with("metrics");
    let at = log.find("/metrics").unwrap_or_else(|| panic!("{log}"));
    let start = log[..at].rfind("http://").unwrap();
    let page = request("GET", &log[start..at + "/metrics".len()], &[], b"");
    String::from_utf8(page.body()).unwrap()
}

#[test]
fn what_cannot_be_stopped_is_said_with_the_names_that_come_near() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", POLICIES));
    for (args, said) in [
        (vec!["server", "dask"], "did you mean \"desk\"?"),
        (vec!["server", "nothing-like-it"], "there is \"desk\""),
        (vec!["plugin", "scrubb"], "did you mean \"scrub\"?"),
        (
            vec!["plugin", "pii-scruber"],
            "did you mean \"pii-scrubber\"?",
        ),
        (vec!["tool", "lookup"], "write SERVER/TOOL"),
        (vec!["tool", "dask/lookup"], "did you mean \"desk\"?"),
        (vec!["tool", "desk/["], "desk/["),
        (vec!["client", "eve"], "has no clients"),
    ] {
        let asked = [&["stop"], args.as_slice(), &["--why", "x"]].concat();
        let ended = gateway.command(&asked);
        assert_eq!(ended.code, Some(1), "{args:?}: {ended:?}");
        assert!(ended.log.contains(said), "{args:?}: {ended:?}");
    }
    for args in [
        &["stop", "server", "desk"][..],
        &["stop", "server", "desk", "--why", ""],
        &["stop", "server", "desk", "--why", "two\nlines"],
        &["stop", "server", "desk", "--why", "x", "--for", "0s"],
        &["stop", "server", "desk", "--why", "x", "--for", "366d"],
        &["stop", "session", "x", "--why", "x"],
        &["resume", "server", "desk"],
    ] {
        let ended = gateway.command(args);
        assert!(
            ended.code.is_some_and(|code| code != 0),
            "{args:?}: {ended:?}"
        );
    }
    assert_eq!(gateway.command(&["stops"]).output, "Nothing is stopped.\n");
    // Of what is not there yet, by a switch.
    let ended = gateway.command(&["stop", "client", "eve", "--why", "x", "--unknown"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_stop_survives_reloads_and_restarts_and_a_file_that_cannot_be_read_keeps_it_from_starting() {
    let stage = Stage::new();
    let kept = tempfile::tempdir().unwrap();
    let state = kept.path().join("state.redb");
    let config = stage.config(&format!("state = {state:?}"), POLICIES);
    let mut gateway = Gateway::start(&config);
    let stops = [
        ["stop", "server", "desk", "--why", "it burns"].as_slice(),
        &[
            "stop",
            "plugin",
            "scrub",
            "--why",
            "too, and \"quoted\"",
            "--for",
            "1h",
        ],
    ];
    for stop in stops {
        assert_eq!(gateway.command(stop).code, Some(0));
    }
    assert!(refused_by_server(&gateway));
    let file = gateway.config_file();
    std::fs::write(&file, format!("{config}\n# changed\n")).unwrap();
    assert_eq!(gateway.command(&["reload"]).code, Some(0));
    // A server that another configuration makes anew is the same to a stop.
    let anew = config.replace("[servers.desk]", "[servers.desk]\nrequest-timeout = \"7s\"");
    std::fs::write(&file, anew).unwrap();
    assert_eq!(gateway.command(&["reload"]).code, Some(0));
    assert!(refused_by_server(&gateway));
    let before = json_of(&gateway, &["stops", "--json"]);
    gateway.stop(Duration::from_secs(20));

    let stops = kept.path().join("state.redb.stops");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&stops).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut gateway = Gateway::start(&config);
    assert_eq!(json_of(&gateway, &["stops", "--json"]), before);
    assert!(refused_by_server(&gateway));
    gateway.stop(Duration::from_secs(20));

    let good = std::fs::read_to_string(&stops).unwrap();
    for bad in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("\"server\"", "\"satellite\""),
        good.replace("it burns", &"x".repeat(501)),
        " ".repeat(3 << 20),
    ] {
        std::fs::write(&stops, &bad).unwrap();
        let (code, log) = Gateway::refused(&config);
        assert_eq!(code, Some(2), "{bad}\n{log}");
        assert!(
            log.contains("the stops cannot be read") && log.contains("state.redb.stops"),
            "{log}"
        );
    }
}

fn refused_by_server(gateway: &Gateway) -> bool {
    let url = gateway.mcp("desk");
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let said = request("POST", &url, &headers, harness::Speaker::INITIALIZE);
    String::from_utf8_lossy(&said.body()).contains("has stopped this server")
}

#[test]
fn stops_beside_the_configuration_are_not_forgotten_for_a_state() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let config = stage.config("", "");
    let mut gateway = Gateway::start(&config);
    let stop = ["stop", "server", "desk", "--why", "it burns"];
    assert_eq!(gateway.command(&stop).code, Some(0));
    let file = gateway.config_file();
    let mut beside = file.clone().into_os_string();
    beside.push(".stops");
    assert!(Path::new(&beside).exists());
    let state = folder.path().join("state.redb");
    std::fs::write(&file, stage.config(&format!("state = {state:?}"), "")).unwrap();
    gateway.stop(Duration::from_secs(20));
    let again = gateway.command(&["run"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(
        again.log.contains("state.redb.stops") && again.log.contains("move the file"),
        "{again:?}"
    );
}

#[test]
fn a_stop_with_a_time_ends_by_itself() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", "[call-log]\nto = \"calls.jsonl\"\n"));
    let stop = [
        "stop",
        "tool",
        "desk/look*",
        "--for",
        "1500ms",
        "--why",
        "a pause",
    ];
    let began = Instant::now();
    let stopped = gateway.command(&stop);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(refusal(&gateway, "lookup").contains("has stopped this tool"));
    while refusal(&gateway, "lookup").contains("has stopped this tool") {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(began.elapsed() >= Duration::from_millis(1500));
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let actions = actions(&log);
    assert_eq!(actions.last().unwrap()["action"], "stop-over");
}

#[test]
fn a_stop_that_cannot_be_kept_is_in_force_and_says_so() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.redb");
    let gateway = Gateway::start(&stage.config(&format!("state = {state:?}"), ""));
    // Nothing can take the name of a folder that is not empty.
    std::fs::create_dir_all(folder.path().join("state.redb.stops/x")).unwrap();
    let stop = ["stop", "tool", "desk/lookup", "--why", "it leaks"];
    let stopped = gateway.command(&stop);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.log.contains("it is not kept"), "{stopped:?}");
    assert!(refusal(&gateway, "lookup").contains("has stopped this tool"));
    let resumed = gateway.command(&["resume", "tool", "desk/lookup"]);
    assert_eq!(resumed.code, Some(1), "{resumed:?}");
    assert!(refusal(&gateway, "lookup").contains("has stopped this tool"));
}
