//! Servers ask back: for a sentence of the client's model, for what its user says, for its roots. Real servers ask real
//! clients, and both get through the gateway what they get without; an interceptor in between sees each question and
//! each answer, and may change it.
//!
//! | | `server-everything` | our server on `fastmcp` 4 |
//! |---|---|---|
//! | `fastmcp` 4, `mcp` 2, npm `client` 2 | requests of the server's | results that say what is needed |
//! | `mcp` 1, npm `sdk` 1 | requests of the server's | requests of the server's |
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use harness::{Client, Fixture, Gateway, Part, Parts, Plan};
use serde_json::{Value, json};

/// What the masking interceptor looks for.
const WORD: &str = "apricot";

/// What a client is told to do, and what it is to answer.
fn errand(tools: [&str; 3]) -> Value {
    let [model, user, roots] = tools;
    json!({
        "calls": [
            { "name": model, "arguments": { "prompt": "What is an apricot?" } },
            { "name": user, "arguments": { "prompt": "Which apricot?" } },
            { "name": roots, "arguments": {} },
        ],
        "answers": {
            "sampling": "An apricot is a fruit.",
            "elicitation": { "name": "The ripe apricot" },
            "roots": [{ "uri": "file:///apricot", "name": "The apricot" }],
        },
    })
}

fn of_everything() -> Value {
    errand([
        "trigger-sampling-request",
        "trigger-elicitation-request",
        "get-roots-list",
    ])
}

fn of_questions() -> Value {
    errand(["ask-model", "ask-user", "ask-roots"])
}

fn questions() -> Vec<String> {
    Fixture::command("questions.py", &[])
}

/// Masks the word in what the server asks, and in what it is answered; nowhere else.
fn masking(folder: &Path) -> String {
    let plugin = folder.join("masks-a-word.wasm");
    std::fs::write(
        &plugin,
        sandgate_guests::find("masks-a-word").unwrap().bytes,
    )
    .unwrap();
    format!(
        "\n[[interceptors]]\nname = \"mask\"\nplugin = {plugin:?}\ntimeout = \"5s\"\n\
         events = [\"sampling/createMessage\", \"elicitation/create\", \"roots/list\"]\n\
         directions = [\"server-to-client\"]\nsettings = {{ word = {WORD:?} }}\n"
    )
}

fn stdio(name: &str, line: &[String]) -> String {
    let path = std::env::var("PATH").unwrap();
    format!(
        "[servers.{name}]\ncommand = {:?}\nargs = {:?}\nenv = {{ PATH = {path:?} }}\n",
        line[0],
        &line[1..]
    )
}

fn http(name: &str, url: &str) -> String {
    format!("[servers.{name}]\nurl = {url:?}\n")
}

fn run(client: Client, plan: &Plan) -> Value {
    client.run(plan).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// What the client was asked, each question once: how often a server asks for roots is its own affair.
fn asked(seen: &Value) -> Vec<String> {
    let asked = seen["asked"].as_array().unwrap().iter();
    let mut asked: Vec<_> = asked.map(|one| one.as_str().unwrap().to_owned()).collect();
    asked.sort();
    asked.dedup();
    asked
}

/// What the tools made of the answers.
fn told(seen: &Value) -> Vec<String> {
    let calls = seen["calls"].as_array().unwrap().iter();
    calls.map(|call| call["content"].to_string()).collect()
}

/// Whoever is in the middle, the client is asked three things and the server gets three answers.
#[track_caller]
fn assert_all_three(client: Client, seen: &Value) {
    assert_eq!(asked(seen).len(), 3, "{client:?}: {seen}");
    for call in told(seen) {
        assert!(
            call.contains(WORD) || call.contains("[masked]"),
            "{client:?}: {call}"
        );
    }
}

/// `direct` and `through` are where the client is to talk to; gives what it saw through the gateway.
#[track_caller]
fn assert_the_same(client: Client, direct: &Plan, through: &Plan) {
    let direct = run(client, direct);
    let through = run(client, through);
    assert_all_three(client, &direct);
    assert_eq!(through["version"], direct["version"], "{client:?}");
    assert_eq!(asked(&through), asked(&direct), "{client:?}");
    assert_eq!(told(&through), told(&direct), "{client:?}");
}

#[track_caller]
fn assert_masked(client: Client, plan: &Plan) {
    let seen = run(client, plan);
    assert_all_three(client, &seen);
    let (asked, told) = (asked(&seen).join("\n"), told(&seen).join("\n"));
    assert!(!asked.contains(WORD), "{client:?} was asked {asked}");
    assert!(asked.contains("[masked]"), "{client:?} was asked {asked}");
    assert!(
        !told.contains(WORD),
        "{client:?}: the server was told {told}"
    );
}

#[test]
fn an_old_server_on_stdio_asks_every_client() {
    let parts = Parts::new();
    let gateway = Gateway::start(&parts.config(Part::Everything));
    for client in Client::ALL {
        assert_the_same(
            client,
            &Plan::stdio(&parts.command(Part::Everything)).and(&of_everything()),
            &Plan::http(&gateway.mcp("everything")).and(&of_everything()),
        );
    }
}

#[test]
fn an_old_server_over_http_asks_every_client() {
    let parts = Parts::new();
    let (url, _server) = parts.everything_over_http();
    let gateway = Gateway::start(&http("everything", &url));
    for client in Client::ALL {
        assert_the_same(
            client,
            &Plan::http(&url).and(&of_everything()),
            &Plan::http(&gateway.mcp("everything")).and(&of_everything()),
        );
    }
}

#[test]
fn a_server_of_both_eras_on_stdio_asks_every_client() {
    let gateway = Gateway::start(&stdio("questions", &questions()));
    for client in Client::ALL {
        assert_the_same(
            client,
            &Plan::stdio(&questions()).and(&of_questions()),
            &Plan::http(&gateway.mcp("questions")).and(&of_questions()),
        );
    }
}

#[test]
fn a_server_of_both_eras_over_http_asks_every_client() {
    let server = Fixture::questions();
    let gateway = Gateway::start(&http("questions", &server.url));
    for client in Client::ALL {
        assert_the_same(
            client,
            &Plan::http(&server.url).and(&of_questions()),
            &Plan::http(&gateway.mcp("questions")).and(&of_questions()),
        );
    }
}

#[test]
fn every_client_is_asked_over_stdio_too() {
    let parts = Parts::new();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sandgate.toml");
    std::fs::write(
        &config,
        parts.config(Part::Everything) + &stdio("questions", &questions()),
    )
    .unwrap();
    for client in Client::ALL {
        assert_the_same(
            client,
            &Plan::stdio(&parts.command(Part::Everything)).and(&of_everything()),
            &Plan::stdio(&Gateway::stdio_command(&config, "everything")).and(&of_everything()),
        );
        assert_the_same(
            client,
            &Plan::stdio(&questions()).and(&of_questions()),
            &Plan::stdio(&Gateway::stdio_command(&config, "questions")).and(&of_questions()),
        );
    }
}

#[test]
fn an_interceptor_edits_what_an_old_server_asks_and_is_told() {
    let parts = Parts::new();
    let (url, _server) = parts.everything_over_http();
    let folder = tempfile::tempdir().unwrap();
    let config = parts.config(Part::Everything) + &http("remote", &url) + &masking(folder.path());
    let gateway = Gateway::start(&config);
    for client in Client::ALL {
        for server in ["everything", "remote"] {
            assert_masked(
                client,
                &Plan::http(&gateway.mcp(server)).and(&of_everything()),
            );
        }
    }
}

#[test]
fn an_interceptor_edits_what_a_server_of_both_eras_asks_and_is_told() {
    let server = Fixture::questions();
    let folder = tempfile::tempdir().unwrap();
    let config =
        stdio("questions", &questions()) + &http("remote", &server.url) + &masking(folder.path());
    let gateway = Gateway::start(&config);
    for client in Client::ALL {
        for server in ["questions", "remote"] {
            assert_masked(
                client,
                &Plan::http(&gateway.mcp(server)).and(&of_questions()),
            );
        }
    }
}
