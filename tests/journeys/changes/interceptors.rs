//! Interceptors that come, go and change, and what stays as it was.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use harness::{Chunk, Envelope, Era, FakeServer, Gateway, Reply, Save, Script, Speaker};
use parking_lot::Mutex;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::changes::stage::{Stage, interceptor};

/// Long enough that a change would have been noticed.
const A_WHILE: Duration = Duration::from_secs(3);

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
    // What is prepared leaves its machine code here, beside that which serves other settings too and has a prefix.
    let prepared = || {
        let files = std::fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let is_prefixed = |file: &Path| file.to_string_lossy().contains('-');
        files
            .filter(|file| std::fs::metadata(file).unwrap().len() > 1 << 10)
            .filter(|file| !is_prefixed(Path::new(file.file_name().unwrap())))
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
    let anna = lookup("anna");
    assert!(anna.starts_with("[email-1~"), "{anna}");
    let before = interceptor("before", &stage.file("noop.wasm", "noop"), "");
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&format!("{before}{scrub}")).as_bytes(),
    );
    gateway.await_version(2);
    let ben = lookup("ben");
    assert!(ben.starts_with("[email-2~"), "{ben}");
    assert_eq!(lookup("anna"), anna);
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
    let validate =
        "[[interceptors]]\nname = \"validate\"\nplugin = \"builtin:argument-validator\"\n";
    let allow = "[[interceptors]]\nname = \"allow\"\nplugin = \"builtin:allow-tools\"\nsettings = { rules = [{ who = [\"*\"], allow = [\"*\"] }] }\n";
    let gateway = Gateway::start(&stage.config(validate));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let mut stream = speaker.listen();
    assert_eq!(stream.next_event().unwrap().comments, [""]);

    // Calls are judged otherwise, lists are not.
    Save::RenameOver.write(
        &gateway.config_file(),
        stage
            .config(&format!("{validate}targets = [\"x\"]\n"))
            .as_bytes(),
    );
    gateway.await_version(2);
    Save::RenameOver.write(
        &gateway.config_file(),
        stage.config(&format!("{validate}{allow}")).as_bytes(),
    );
    gateway.await_version(3);
    Save::RenameOver.write(&gateway.config_file(), stage.config(validate).as_bytes());
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
