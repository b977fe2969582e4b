//! What an operator changes while the gateway runs: a plugin's file, a pin, one interceptor among others, a signal.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use harness::{Chunk, Envelope, Era, FakeServer, Gateway, Reply, Save, Script, Speaker};
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Long enough that a change would have been noticed.
const A_WHILE: Duration = Duration::from_secs(3);

#[test]
fn a_plugin_file_that_is_replaced_is_live_on_the_next_call() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "noop");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, "")));
    let mut version = 1;
    for way in Save::WAYS {
        assert_eq!(
            stage.call(&gateway),
            json!({ "from": "server" }),
            "before {way:?}"
        );
        // The next one keeps every call from the server and answers by itself.
        for (guest, expected) in [
            ("keeps-state", json!({ "asked": 1, "last": null })),
            ("noop", json!({ "from": "server" })),
        ] {
            way.write(&policy, bytes(guest));
            version += 1;
            gateway.await_version(version);
            assert_eq!(stage.call(&gateway), expected, "{guest} by {way:?}");
        }
    }
}

#[test]
fn a_damaged_plugin_file_is_refused_until_it_is_whole_again() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "keeps-state");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, "")));
    let whole = bytes("noop");
    Save::InPlace.write(&policy, &whole[..whole.len() / 2]);
    assert!(gateway.await_reload_error().contains("damaged"));
    assert_eq!(stage.call(&gateway)["asked"], 1, "the one before stays");
    Save::InPlace.write(&policy, whole);
    gateway.await_version(2);
    assert_eq!(stage.call(&gateway), json!({ "from": "server" }));
}

#[test]
fn a_plugin_that_a_refused_change_named_is_live_once_it_is_put_right() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config(""));
    let policy = stage.folder.path().join("policy.wasm");
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&interceptor("policy", &policy, "")).as_bytes(),
    );
    assert!(gateway.await_reload_error().contains("policy.wasm"));
    assert_eq!(stage.call(&gateway), json!({ "from": "server" }));
    // The configuration was right all along: the file is what was missing.
    stage.file("policy.wasm", "keeps-state");
    gateway.await_version(2);
    assert_eq!(stage.call(&gateway)["asked"], 1);
}

#[test]
fn a_pinned_plugin_takes_no_other_file() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "noop");
    let inspected = Command::new(harness::sandgate())
        .args(["plugin", "inspect", "--json"])
        .arg(&policy)
        .output()
        .unwrap();
    let digest = serde_json::from_slice::<Value>(&inspected.stdout).unwrap()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let pin = format!("digest = {digest:?}");
    let gateway = Gateway::start(&stage.config(&interceptor("policy", &policy, &pin)));

    Save::RenameOver.write(&policy, bytes("keeps-state"));
    let why = gateway.await_reload_error();
    assert!(
        why.contains("sandgate.toml") && why.contains("the file is another one"),
        "{why}"
    );
    assert_eq!(
        stage.call(&gateway),
        json!({ "from": "server" }),
        "the pinned one stays"
    );
    Save::RenameOver.write(&policy, bytes("noop"));
    gateway.await_version(2);

    Save::RenameOver.write(&policy, bytes("keeps-state"));
    let (code, said) = Gateway::refused(&stage.config(&interceptor("policy", &policy, &pin)));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the file is another one") && said.contains("pin this one if"),
        "{said}"
    );
}

#[test]
fn what_did_not_change_is_not_prepared_again() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "keeps-state");
    let cache = stage.folder.path().join("cache");
    let config = |interceptors: &str| {
        let server = stage.server.config("fake");
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\ncache = {cache:?}\n\n{server}\n{interceptors}"
        )
    };
    // What is prepared leaves its machine code here.
    let prepared = || {
        let files = std::fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .filter(|file| std::fs::metadata(file).unwrap().len() > 1 << 10)
            .collect::<Vec<_>>()
    };
    let gateway = Gateway::start(&config(&interceptor("policy", &policy, "")));
    assert_eq!(prepared().len(), 1);
    for file in prepared() {
        std::fs::remove_file(file).unwrap();
    }
    let before = interceptor("before", &stage.file("noop.wasm", "noop"), "");
    let text = config(&format!(
        "{before}{}",
        interceptor("policy", &policy, "fail-open = true")
    ));
    Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
    gateway.await_version(2);
    assert_eq!(prepared().len(), 1, "only the new one");
    assert_eq!(stage.call(&gateway)["asked"], 1);

    let text = config(&format!(
        "{before}{}",
        interceptor("policy", &policy, "memory = \"32MiB\"")
    ));
    Save::RenameOver.write(&gateway.config_file(), text.as_bytes());
    gateway.await_version(3);
    assert_eq!(prepared().len(), 2, "one with other memory is another one");
}

#[test]
fn what_an_interceptor_remembers_outlives_a_change_beside_it() {
    let text = |address: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"content":[{{"type":"text","text":"{address}"}}]}}}}"#
        )
    };
    let (anna, ben) = (text("anna@example.org"), text("ben@example.org"));
    let server = FakeServer::http(
        Script::new()
            .on("\"anna\"", &[&anna])
            .on("\"ben\"", &[&ben]),
    );
    let stage = Stage {
        server,
        folder: tempfile::tempdir().unwrap(),
    };
    let scrub = "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ntimeout = \"20s\"\n\
                 settings = { entities = [\"email\"], action = \"tokenise\" }\nfault-detail = true\ngrants = { state = true }\n";
    let gateway = Gateway::start(&stage.config(scrub));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let lookup = |name: &str| {
        let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name } });
        let reply: Value =
            serde_json::from_slice(&speaker.say(ask.to_string().as_bytes())[0]).unwrap();
        reply["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{reply}\n{}", gateway.log()))
            .to_owned()
    };
    assert_eq!(lookup("anna"), "[email-1]");
    let before = interceptor("before", &stage.file("noop.wasm", "noop"), "");
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&format!("{before}{scrub}")).as_bytes(),
    );
    gateway.await_version(2);
    assert_eq!(lookup("ben"), "[email-2]");
    assert_eq!(lookup("anna"), "[email-1]");
}

#[test]
fn a_switch_of_one_interceptor_is_obeyed_after_a_change() {
    let stage = Stage::new();
    let policy = stage.file("policy.wasm", "own-error");
    let config = |more: &str| {
        stage.config(&interceptor(
            "policy",
            &policy,
            &format!("fail-open = true\n{more}"),
        ))
    };
    let gateway = Gateway::start(&config(""));
    let misbehave = || {
        let ask = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","misbehave":true}}"#;
        Speaker::open(&gateway.mcp("fake"), Era::Legacy).say(ask);
    };
    let said = "I cannot read";
    misbehave();
    assert!(!gateway.log().contains(said), "{}", gateway.log());
    Save::RenameOver.write(
        &gateway.config_file(),
        config("fault-detail = true").as_bytes(),
    );
    gateway.await_version(2);
    misbehave();
    assert!(gateway.log().contains(said), "{}", gateway.log());
}

#[test]
fn who_listens_is_told_where_a_list_may_differ_and_only_there() {
    let (hold, held) = channel();
    let held = Mutex::new(Some(held));
    let server = FakeServer::http_with(move |heard| match heard.verb.as_str() {
        "GET" => {
            let gate = Chunk::Wait(held.lock().take().expect("one listens"));
            Reply::Stream(vec![Chunk::Bytes(b": open\n\n".into()), gate])
        }
        _ => match Script::new().answer(&heard.body).pop() {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        },
    });
    let stage = Stage {
        server,
        folder: tempfile::tempdir().unwrap(),
    };
    let scrub = "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\n";
    let allow = "[[interceptors]]\nname = \"allow\"\nplugin = \"builtin:allow-tools\"\nsettings = { rules = [{ who = [\"*\"], allow = [\"*\"] }] }\n";
    let gateway = Gateway::start(&stage.config(scrub));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let mut stream = speaker.listen();
    assert_eq!(stream.next_event().unwrap().comments, ["open"]);

    // Calls are judged otherwise, lists are not.
    Save::RenameOver.write(
        &gateway.config_file(),
        stage
            .config(&format!("{scrub}targets = [\"x\"]\n"))
            .as_bytes(),
    );
    gateway.await_version(2);
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&format!("{scrub}{allow}")).as_bytes(),
    );
    gateway.await_version(3);
    Save::RenameOver.write(&gateway.config_file(), stage.config(scrub).as_bytes());
    gateway.await_version(4);
    drop(hold);
    let told = std::iter::from_fn(|| stream.next_event()).filter_map(|event| event.data);
    let told: Vec<_> = told
        .map(|message| Envelope::of(&message).method.unwrap())
        .collect();
    let lists = ["tools", "prompts", "resources"];
    let lists = lists.map(|list| format!("notifications/{list}/list_changed"));
    assert_eq!(
        told,
        [&lists[..], &lists].concat(),
        "each when it came, each when it went"
    );
}

#[test]
fn without_watching_a_change_waits_for_the_signal() {
    let stage = Stage::new();
    let config = |interceptors: &str| {
        stage
            .config(interceptors)
            .replace("[gateway]\n", "[gateway]\nwatch = false\n")
    };
    let gateway = Gateway::start(&config(""));
    let policy = stage.file("policy.wasm", "keeps-state");
    Save::RenameOver.write(
        &gateway.config_file(),
        config(&interceptor("policy", &policy, "")).as_bytes(),
    );
    thread::sleep(A_WHILE);
    assert_eq!(gateway.version(), 1);
    assert_eq!(stage.call(&gateway), json!({ "from": "server" }));
    gateway.process.signal(Signal::HUP);
    gateway.await_version(2);
    assert_eq!(stage.call(&gateway)["asked"], 1);
}

/// A server whose tools all answer alike, and a place for plugins.
struct Stage {
    server: FakeServer,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let answer = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"from":"server"}}"#;
        let server = FakeServer::http(Script::new().on("tools/call", &[answer]));
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A guest of the zoo as a file of that name.
    fn file(&self, name: &str, guest: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes(guest)).unwrap();
        path
    }

    fn config(&self, interceptors: &str) -> String {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n{interceptors}",
            self.server.config("fake")
        )
    }

    /// Calls a tool and gives the result.
    fn call(&self, gateway: &Gateway) -> Value {
        let ask = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(ask);
        let mut reply: Value = serde_json::from_slice(&answers[0]).unwrap();
        assert!(reply["result"].is_object(), "{reply}\n{}", gateway.log());
        reply["result"].take()
    }
}

fn interceptor(name: &str, plugin: &Path, more: &str) -> String {
    format!("[[interceptors]]\nname = \"{name}\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n{more}\n")
}

fn bytes(guest: &str) -> &'static [u8] {
    sandgate_guests::find(guest).unwrap().bytes
}
