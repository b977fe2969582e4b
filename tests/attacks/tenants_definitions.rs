//! Tools that a server shows to one caller, known to another.

use harness::{Envelope, FakeServer, Gateway, Heard, Reply, Script, Speaker, request};
use serde_json::Value;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
const ARGUMENTS: &str = "[[interceptors]]\nname = \"arguments\"\nplugin = \"builtin:argument-validator\"\ntimeout = \"10s\"\n";

/// A server that shows each caller another `export`: what `target` may be differs.
fn server() -> FakeServer {
    FakeServer::http_with(|heard| {
        if heard.verb != "POST" {
            return Reply::Status(405, "text/plain", Vec::new());
        }
        let Envelope { method, id, .. } = Envelope::of(&heard.body);
        let id = id.unwrap_or_default();
        match method.as_deref() {
            Some("tools/list") => Reply::Json(tools(&id, heard).into_bytes()),
            Some("tools/call") => Reply::Json(
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"exported"}}],"resultType":"complete"}}}}"#)
                    .into_bytes(),
            ),
            _ => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            },
        }
    })
}

fn tools(id: &str, heard: &Heard) -> String {
    let target = match heard.header("authorization") {
        Some("Bearer ada") => r#"{"enum":["adas-private-account"]}"#,
        Some("Bearer bob") => r#"{"enum":["bobs-account"]}"#,
        _ => "{}",
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"export","inputSchema":{{"type":"object","properties":{{"target":{target}}}}}}}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}}}}"#
    )
}

fn gateway(server: &FakeServer) -> Gateway {
    Gateway::start(&(server.config("fake") + "forward-authorization = true\n" + ARGUMENTS))
}

/// A modern caller's request.
fn modern(gateway: &Gateway, token: &str, method: &str, params: &str) -> Value {
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{META}}}}}"#);
    let token = format!("Bearer {token}");
    let mut headers = vec![
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
        ("authorization", &token),
    ];
    if method == "tools/call" {
        headers.push(("mcp-name", "export"));
    }
    let answer = request("POST", &gateway.mcp("fake"), &headers, body.as_bytes()).body();
    serde_json::from_slice(&answer).unwrap()
}

const EXPORT: &str = r#""name":"export","arguments":{"target":"elsewhere"},"#;

#[test]
fn a_refusal_does_not_quote_what_another_caller_was_shown() {
    let server = server();
    let gateway = gateway(&server);
    modern(&gateway, "ada", "tools/list", "");
    let said = modern(&gateway, "bob", "tools/call", EXPORT).to_string();
    assert!(!said.contains("adas-private-account"), "{said}");
    assert!(said.contains("arguments.schema"), "{said}");
}

#[test]
fn a_callers_arguments_are_not_judged_by_what_an_attacker_was_shown() {
    let server = server();
    let gateway = gateway(&server);
    modern(&gateway, "mallory", "tools/list", "");
    let said = modern(&gateway, "ada", "tools/call", EXPORT).to_string();
    assert!(!said.contains("exported"), "{said}");
    modern(&gateway, "mallory", "tools/list", "");
    let said = modern(&gateway, "ada", "tools/call", EXPORT).to_string();
    assert!(!said.contains("exported"), "{said}");
}

/// A legacy session of a caller: its requests.
struct Session<'a>(&'a Gateway, &'a str, String);

impl<'a> Session<'a> {
    fn begin(gateway: &'a Gateway, endpoint: &'a str, token: &str) -> Self {
        let token = format!("Bearer {token}");
        let headers = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("authorization", &token),
        ];
        let hello = request(
            "POST",
            &gateway.mcp(endpoint),
            &headers,
            Speaker::INITIALIZE,
        );
        let session = hello.header("mcp-session-id").unwrap().to_owned();
        Self(gateway, endpoint, format!("{session} {token}"))
    }

    fn ask(&self, body: &str) -> String {
        let (session, token) = self.2.split_once(' ').unwrap();
        let headers = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-session-id", session),
            ("authorization", token),
        ];
        let url = self.0.mcp(self.1);
        String::from_utf8(request("POST", &url, &headers, body.as_bytes()).body()).unwrap()
    }
}

#[test]
fn a_session_knows_nothing_of_what_another_was_shown() {
    let server = server();
    let gateway = gateway(&server);
    let (ada, mallory) = (
        Session::begin(&gateway, "fake", "ada"),
        Session::begin(&gateway, "fake", "mallory"),
    );
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let call = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"export","arguments":{"target":"elsewhere"}}}"#;
    ada.ask(list);
    let said = mallory.ask(call);
    assert!(
        said.contains("exported") && !said.contains("adas-private-account"),
        "{said}"
    );
    mallory.ask(list);
    let said = ada.ask(call);
    assert!(!said.contains("exported"), "{said}");
}

/// Two pages of tools, each of which is asked for by itself.
fn paged() -> FakeServer {
    const FIRST: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"tools":[{"name":"one","inputSchema":{"type":"object"}}],"nextCursor":"2","resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#;
    const LAST: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"tools":[{"name":"two","inputSchema":{"type":"object"}}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#;
    const DONE: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"done"}],"resultType":"complete"}}"#;
    FakeServer::http(
        Script::new()
            .on(r#""cursor""#, &[LAST])
            .on("tools/list", &[FIRST])
            .on("tools/call", &[DONE]),
    )
}

#[test]
fn a_list_begun_again_and_again_does_not_make_the_rest_of_it_unknown() {
    let server = paged();
    let gateway = Gateway::start(&(server.config("fake") + ARGUMENTS));
    let client = Speaker::open(&gateway.mcp("fake"), harness::Era::Legacy);
    for id in 0..40 {
        client.say(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#).as_bytes());
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":"c{id}","method":"tools/call","params":{{"name":"two"}}}}"#
        );
        let said = client.say(call.as_bytes()).concat();
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("done"), "call {id}: {said}");
    }
}

#[test]
fn a_list_begun_by_another_caller_does_not_make_the_rest_of_it_unknown() {
    let server = paged();
    let gateway =
        Gateway::start(&(server.config("fake") + "forward-authorization = true\n" + ARGUMENTS));
    let two = r#""name":"two","#;
    let call = || {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{two}{META}}}}}"#);
        let headers = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "two"),
            ("authorization", "Bearer ada"),
        ];
        String::from_utf8(request("POST", &gateway.mcp("fake"), &headers, body.as_bytes()).body())
            .unwrap()
    };
    for n in 0..20 {
        modern(&gateway, "mallory", "tools/list", "");
        let said = call();
        assert!(said.contains("done"), "call {n}: {said}");
    }
}
