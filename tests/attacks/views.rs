//! A client that goes after what its view hides.

use harness::{Exchange, FakeServer, Gateway, Save, Script, Speaker};
use serde_json::{Value, json};

use crate::callers::{PLAIN, token};

/// What eve's view allows on the server `desk`, and what it denies; ada sees everything.
const VIEWS: &str = r#"
[views.guests]
groups = ["guests"]
allow = ["desk/*", "prompt:desk/greet", "resource:desk/note://open/*", "resource:desk/note://?dir?/*"]
deny = ["desk/drop*"]

[views.all]
clients = ["ada"]
allow = ["*/*", "prompt:*/*", "resource:*/*"]
"#;

fn list(member: &str, identity: &str, names: &[&str]) -> String {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({ identity: name, "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    let result =
        json!({ member: items, "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public" });
    format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
}

/// Lists tools, prompts and resources, and answers whatever it is asked.
fn server() -> FakeServer {
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[],"messages":[],"contents":[],"completion":{"values":["SECRET"]}}}"#;
    let mut script = Script::new()
        .on(
            "\"tools/list\"",
            &[&list("tools", "name", &["look", "drop", "Drop_all"])],
        )
        .on(
            "\"prompts/list\"",
            &[&list("prompts", "name", &["greet", "plan"])],
        )
        .on(
            "\"resources/list\"",
            &[&list(
                "resources",
                "uri",
                &["note://open/a", "note://shut/a"],
            )],
        )
        .on(
            "\"resources/templates/list\"",
            &[&list(
                "resourceTemplates",
                "uriTemplate",
                &["note://open/{x}", "note://shut/{x}", "note://{dir}/{x}"],
            )],
        );
    for method in [
        "tools/call",
        "prompts/get",
        "resources/read",
        "resources/subscribe",
        "completion/complete",
        "x-acme/run",
    ] {
        script = script.on(&format!("\"{method}\""), &[fine]);
    }
    FakeServer::http(script)
}

/// A gateway with two clients before two servers, of which eve's view shows one.
struct Views {
    gateway: Gateway,
    desk: FakeServer,
    vault: FakeServer,
    eve: String,
    ada: String,
    config: String,
}

impl Views {
    fn start() -> Self {
        Self::before(server())
    }

    /// `vault`: the server that eve's view hides.
    fn before(vault: FakeServer) -> Self {
        let ((eve, eves), (ada, adas)) = (token("eve"), token("ada"));
        let desk = server();
        let config = format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{eves}\n\
             groups = [\"guests\"]\n{adas}\n{}{}",
            desk.config("desk"),
            vault.config("vault")
        );
        let gateway = Gateway::start(&format!("{config}{VIEWS}"));
        Self {
            gateway,
            desk,
            vault,
            eve,
            ada,
            config,
        }
    }

    /// Asks as a modern client; the reply.
    fn modern(&self, token: &str, server: &str, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        let name = params["name"].as_str().or(params["uri"].as_str());
        let name = name.map(str::to_owned).filter(|name| name.is_ascii());
        let mut more = vec![
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        more.extend(name.as_deref().map(|name| ("mcp-name", name)));
        self.post(token, server, &more, method, &params)
    }

    /// Asks as a modern client at the merged endpoint; what comes, unread.
    fn open(&self, token: &str, method: &str, params: &Value) -> Exchange {
        let mut params = params.clone();
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let more = [
            ("authorization", token),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        let headers = [&PLAIN[..], &more].concat();
        harness::request(
            "POST",
            &self.gateway.mcp(""),
            &headers,
            body.to_string().as_bytes(),
        )
    }

    /// Opens a legacy session; its id.
    fn session(&self, token: &str, server: &str) -> String {
        let headers = [&PLAIN[..], &[("authorization", token)]].concat();
        let url = self.gateway.mcp(server);
        let opened = harness::request("POST", &url, &headers, Speaker::INITIALIZE);
        opened.header("mcp-session-id").unwrap().to_owned()
    }

    fn post(
        &self,
        token: &str,
        server: &str,
        more: &[(&str, &str)],
        method: &str,
        params: &Value,
    ) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let headers = [&PLAIN[..], &[("authorization", token)], more].concat();
        let url = self.gateway.mcp(server);
        let said = harness::request("POST", &url, &headers, body.to_string().as_bytes());
        let messages = match said.header("content-type") {
            Some(kind) if kind.starts_with("text/event-stream") => said.messages().concat(),
            _ => said.body(),
        };
        serde_json::from_slice(&messages).unwrap_or(Value::Null)
    }

    /// Asks in both eras, of the server alone and of all merged. `merged` are the params there.
    fn everywhere(&self, method: &str, own: &Value, merged: &Value) -> Vec<Value> {
        let mut replies = Vec::new();
        for (endpoint, params) in [("desk", own), ("", merged)] {
            replies.push(self.modern(&self.eve, endpoint, method, params));
            let session = self.session(&self.eve, endpoint);
            let more = [("mcp-session-id", session.as_str())];
            replies.push(self.post(&self.eve, endpoint, &more, method, params));
        }
        replies
    }

    fn log(&self) -> String {
        let log = self.gateway.config_file().with_file_name("calls.jsonl");
        std::fs::read_to_string(log).unwrap()
    }
}

fn names(reply: &Value, member: &str, identity: &str) -> Vec<String> {
    let list = reply["result"][member].as_array();
    let list = list.unwrap_or_else(|| panic!("{reply}"));
    list.iter()
        .map(|item| item[identity].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_list_shows_what_the_view_hides_and_none_may_be_shared() {
    let views = Views::start();
    for (method, member, identity, own) in [
        ("tools/list", "tools", "name", vec!["look"]),
        ("prompts/list", "prompts", "name", vec!["greet"]),
        ("resources/list", "resources", "uri", vec!["note://open/a"]),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            vec!["note://open/{x}", "note://{dir}/{x}"],
        ),
    ] {
        let merged: Vec<String> = own
            .iter()
            .map(|name| match identity {
                "name" => format!("desk__{name}"),
                _ => (*name).to_owned(),
            })
            .collect();
        for (at, reply) in views
            .everywhere(method, &json!({}), &json!({}))
            .iter()
            .enumerate()
        {
            let shown = names(reply, member, identity);
            match at < 2 {
                true => assert_eq!(shown, own, "{method}, {at}"),
                false => assert_eq!(shown, merged, "{method}, {at}"),
            }
            if at % 2 == 0 {
                assert_eq!(reply["result"]["cacheScope"], "private", "{reply}");
                assert_eq!(reply["result"]["ttlMs"], 0, "{reply}");
            }
        }
    }
    let all = views.modern(&views.ada, "", "tools/list", &json!({}));
    assert_eq!(names(&all, "tools", "name").len(), 6, "{all}");
}

#[test]
fn a_guessed_name_is_answered_as_one_that_does_not_exist_whether_it_exists_or_not() {
    let views = Views::start();
    let asked = |name: &str| {
        let merged = json!({ "name": format!("desk__{name}"), "arguments": {} });
        views.everywhere(
            "tools/call",
            &json!({ "name": name, "arguments": {} }),
            &merged,
        )
    };
    let (there, not) = (asked("drop"), asked("drop-that-is-nowhere"));
    assert_eq!(there, not);
    assert!(
        there.iter().all(|reply| reply["error"]["code"] == -32602),
        "{there:?}"
    );
    for name in [
        "Drop",
        "DROP",
        "Drop_all",
        "ｄrop",
        "dro\u{200b}p",
        "drop\u{0}",
    ] {
        for reply in asked(name) {
            assert!(
                reply["error"].is_object() || reply.is_null(),
                "{name:?}: {reply}"
            );
        }
    }
    for params in [
        json!({}),
        json!({ "name": ["drop"] }),
        json!({ "name": "look", "Name": "drop" }),
    ] {
        let reply = views.modern(&views.eve, "desk", "tools/call", &params);
        assert!(reply["error"].is_object(), "{params}: {reply}");
    }
    let unknown = views.modern(&views.eve, "desk", "x-acme/run", &json!({ "tool": "drop" }));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    assert!(views.desk.heard_with("tools/call").is_empty());
    assert!(views.desk.heard_with("x-acme/run").is_empty());
    let log = views.log();
    let rule = r#""refused_by":{"code":"view.denied","view":"guests","pattern":"desk/drop*"}"#;
    assert!(log.matches(rule).count() >= 8, "{log}");

    let fine = asked("look");
    assert!(
        fine.iter().all(|reply| reply["result"].is_object()),
        "{fine:?}"
    );
    assert_eq!(views.desk.heard_with("tools/call").len(), 4);
}

#[test]
fn no_prompt_resource_template_or_completion_leads_to_what_is_hidden() {
    let views = Views::start();
    let (prompt, shut) = (json!({ "name": "plan" }), json!({ "uri": "note://shut/a" }));
    let prompts = views.everywhere("prompts/get", &prompt, &json!({ "name": "desk__plan" }));
    let read = views.everywhere("resources/read", &shut, &shut);
    let of =
        |reference: Value| json!({ "ref": reference, "argument": { "name": "x", "value": "" } });
    let template = of(json!({ "type": "ref/resource", "uri": "note://shut/{x}" }));
    let by_template = views.everywhere("completion/complete", &template, &template);
    let by_prompt = views.everywhere(
        "completion/complete",
        &of(json!({ "type": "ref/prompt", "name": "plan" })),
        &of(json!({ "type": "ref/prompt", "name": "desk__plan" })),
    );
    let odd = of(json!({ "type": "ref/tool", "name": "drop" }));
    let by_tool = views.everywhere("completion/complete", &odd, &odd);
    for reply in [prompts, read, by_template, by_prompt, by_tool].concat() {
        assert!(reply["error"].is_object(), "{reply}");
        assert!(!reply.to_string().contains("SECRET"), "{reply}");
    }
    let filled = |dir: &str| {
        json!({ "ref": { "type": "ref/resource", "uri": "note://{dir}/{x}" },
            "argument": { "name": "x", "value": "" }, "context": { "arguments": { "dir": dir } } })
    };
    for dir in ["shut", "SHUT", "open/../shut", "s%68ut"] {
        for reply in views.everywhere("completion/complete", &filled(dir), &filled(dir)) {
            assert!(reply["error"].is_object(), "{dir}: {reply}");
        }
    }
    let completed = views.everywhere("completion/complete", &filled("open"), &filled("open"));
    for reply in completed {
        assert!(reply["result"].is_object(), "{reply}");
    }
    let session = views.session(&views.eve, "desk");
    let more = [("mcp-session-id", session.as_str())];
    let subscribed = views.post(&views.eve, "desk", &more, "resources/subscribe", &shut);
    assert_eq!(subscribed["error"]["code"], -32002, "{subscribed}");
    for uri in [
        "note://open/%2e%2e/shut/a",
        "NOTE://open/../shut/a",
        "note://open/../shut/a",
    ] {
        let reply = views.modern(&views.eve, "desk", "resources/read", &json!({ "uri": uri }));
        assert!(reply["error"].is_object(), "{uri}: {reply}");
    }
    assert!(views.desk.heard_with("shut").is_empty());
    let open = json!({ "uri": "note://open/a" });
    let fine = views.everywhere("resources/read", &open, &open);
    assert!(
        fine.iter().all(|reply| reply["result"].is_object()),
        "{fine:?}"
    );
}

#[test]
fn a_server_of_which_a_view_shows_nothing_is_not_there() {
    let views = Views::start();
    let headers = [&PLAIN[..], &[("authorization", views.eve.as_str())]].concat();
    let status = |server: &str| {
        let url = views.gateway.mcp(server);
        let said = harness::request("POST", &url, &headers, Speaker::INITIALIZE);
        (said.status, said.body())
    };
    assert_eq!(status("vault"), status("nowhere"));
    assert_eq!(status("vault").0, 404);
    views.session(&views.eve, "");
    let call = |name: &str| {
        let params = json!({ "name": name, "arguments": {} });
        views.modern(&views.eve, "", "tools/call", &params)
    };
    assert_eq!(call("vault__look"), call("nowhere__look"));
    let discovered = views.modern(&views.eve, "", "server/discover", &json!({}));
    assert!(!discovered.to_string().contains("vault"), "{discovered}");
    // The gateway itself may have probed it; nobody's session and nobody's call came.
    assert!(views.vault.heard_with("tools/").is_empty());
    assert!(
        views
            .log()
            .contains(r#""refused_by":{"code":"view.not-allowed"}"#)
    );
}

#[test]
fn no_refusal_and_no_health_page_names_a_hidden_server() {
    let unknown =
        r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32601,"message":"no such method"}}"#;
    let legacy = Script::new().on("\"server/discover\"", &[unknown]);
    let views = Views::before(FakeServer::http(legacy));
    let asked = |token: &str| {
        let said = views.open(token, "tools/list", &json!({}));
        (
            said.status,
            String::from_utf8_lossy(&said.body()).into_owned(),
        )
    };
    let why = "this endpoint does not speak the modern protocol: begin with initialize\n";
    assert_eq!(asked(&views.eve), (400, why.to_owned()));
    assert!(asked(&views.ada).1.contains("\"vault\""));

    let ready = views.gateway.readiness();
    assert!(ready["servers"].is_null(), "{ready}");
    let text = format!("{}{VIEWS}", views.config);
    let bad = text.replace("[servers.vault]", "[servers.vault]\nvaulted = true");
    Save::RenameOver.write(&views.gateway.config_file(), bad.as_bytes());
    let reload = views.gateway.command(&["reload"]);
    assert_ne!(reload.code, Some(0), "{reload:?}");
    let ready = views.gateway.readiness();
    assert!(ready["lastReloadError"].is_string(), "{ready}");
    assert!(!ready.to_string().contains("vault"), "{ready}");
}

#[test]
fn a_hidden_resource_is_left_out_of_a_subscription_to_all_servers() {
    let views = Views::start();
    let wanted = |tools: bool| {
        let params = json!({ "notifications": {
            "toolsListChanged": tools, "resourceSubscriptions": ["note://shut/a"] } });
        views.open(&views.eve, "subscriptions/listen", &params)
    };
    let mut stream = wanted(true);
    let mut events = std::iter::from_fn(|| stream.next_event());
    let first = events.find_map(|event| event.data).unwrap();
    let first = String::from_utf8(first).unwrap();
    assert!(
        first.contains("acknowledged") && first.contains("toolsListChanged"),
        "{first}"
    );
    assert!(!first.contains("shut"), "{first}");
    let alone = String::from_utf8(wanted(false).body()).unwrap();
    assert!(alone.contains("\"error\""), "{alone}");
    assert!(views.desk.heard_with("shut").is_empty());
    assert!(views.log().contains("view.not-allowed"));
}

#[test]
fn a_session_from_before_the_view_and_a_list_kept_from_then_are_of_no_use() {
    let views = Views::start();
    let session = views.session(&views.ada, "desk");
    let more = [("mcp-session-id", session.as_str())];
    let drop = json!({ "name": "drop", "arguments": {} });
    let before = views.post(&views.ada, "desk", &more, "tools/call", &drop);
    assert!(before["result"].is_object(), "{before}");
    let narrower = VIEWS.replace("\"*/*\", ", "\"desk/look\", ");
    let text = format!("{}{narrower}", views.config);
    Save::RenameOver.write(&views.gateway.config_file(), text.as_bytes());
    let reload = views.gateway.command(&["reload"]);
    assert!(
        reload.output.contains("view all: changed (allow)"),
        "{reload:?}"
    );
    let after = views.post(&views.ada, "desk", &more, "tools/call", &drop);
    assert_eq!(after["error"]["code"], -32602, "{after}");
    let listed = views.post(&views.ada, "desk", &more, "tools/list", &json!({}));
    assert_eq!(names(&listed, "tools", "name"), ["look"]);
    assert_eq!(views.desk.heard_with("tools/call").len(), 1);
}

#[test]
fn a_cursor_of_another_client_shows_no_more() {
    let views = Views::start();
    // The server pages by a cursor that anybody may have; the page is the caller's own nevertheless.
    let params = json!({ "cursor": "page-2" });
    let own = views.modern(&views.eve, "desk", "tools/list", &params);
    assert_eq!(names(&own, "tools", "name"), ["look"]);
    let merged = views.modern(&views.eve, "", "tools/list", &params);
    assert_eq!(merged["error"]["code"], -32602, "{merged}");
}

#[test]
fn a_batch_hides_no_call() {
    let views = Views::start();
    let call =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "drop" } });
    let session = views.session(&views.eve, "desk");
    let more = [
        ("authorization", views.eve.as_str()),
        ("mcp-session-id", &session),
    ];
    let headers = [&PLAIN[..], &more].concat();
    let url = views.gateway.mcp("desk");
    let body = json!([call, call]).to_string();
    let said = harness::request("POST", &url, &headers, body.as_bytes());
    assert_eq!(said.status, 400);
    assert!(views.desk.heard_with("tools/call").is_empty());
}
