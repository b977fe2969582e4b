//! Tokens of a real issuer (npm `oidc-provider`), and a real client that gets one by itself.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use harness::{FakeServer, Gateway, Process, Script, peers, request};
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(60);

/// The issuer, as a process of its own.
struct Issuer {
    process: Process,
    url: String,
    format: &'static str,
}

impl Issuer {
    fn start(format: &'static str) -> Self {
        Self::start_at(0, format)
    }

    fn start_at(port: u16, format: &'static str) -> Self {
        let mut command = Command::new(harness::node());
        command
            .arg(peers().join("issuer.mjs"))
            .arg(port.to_string())
            .arg(format);
        let process = Process::start(&mut command);
        let line = process.output_line(0, START);
        let line = line.unwrap_or_else(|| panic!("the issuer did not come up: {}", process.log()));
        let url = String::from_utf8(line).unwrap().trim().to_owned();
        Self {
            process,
            url,
            format,
        }
    }

    /// The same issuer with other keys, which knows none of its tokens any more.
    fn start_anew(mut self) -> Self {
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        self.process.stop(START);
        Self::start_at(port, self.format)
    }

    fn post(&self, path: &str, form: &str) -> Value {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            // robot:robots-secret
            ("authorization", "Basic cm9ib3Q6cm9ib3RzLXNlY3JldA=="),
        ];
        let said = request(
            "POST",
            &format!("{}{path}", self.url),
            &headers,
            form.as_bytes(),
        );
        let status = said.status;
        let body = said.body();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// A token of the client `robot` for a resource.
    fn token(&self, resource: &str, scope: &str) -> String {
        let resource = resource.replace(':', "%3A").replace('/', "%2F");
        let scope = scope.replace(' ', "+");
        let form = format!("grant_type=client_credentials&resource={resource}&scope={scope}");
        self.post("/token", &form)["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn server() -> FakeServer {
    let tools: Vec<Value> = ["read", "update_order"]
        .iter()
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    let result =
        json!({ "tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private" });
    let list = format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#);
    let said = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}"#;
    FakeServer::http(
        Script::new()
            .on("\"tools/list\"", &[&list])
            .on("\"tools/call\"", &[said]),
    )
}

/// A gateway that lets in whoever has a token of the issuer; `issuer`: more lines of the issuer's table.
fn gateway(issuer: &Issuer, server: &FakeServer, lines: &str) -> (Gateway, String) {
    // Clients compare the address with the one that they called, so it is chosen before.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let own = format!("http://{at}");
    let config = format!(
        "[gateway]\nlisten = \"{at}\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{}\
         [authorization]\nresource = \"{own}\"\n[[authorization.issuers]]\nissuer = \"{}\"\nloopback-http = true\n\
         groups = \"/groups\"\n{lines}\n[authorization.scopes]\nbaseline = [\"mcp\"]\n\
         \"crm:write\" = [\"crm/update_*\"]\n[views.staff]\ngroups = [\"staff\"]\nallow = [\"*/*\"]\n",
        server.config("crm"),
        issuer.url,
    );
    (Gateway::start(&config), own)
}

/// The status of a call with a token.
fn call(gateway: &Gateway, token: &str, tool: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {},
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} } } });
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", authorization.as_str()),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ];
    request(
        "POST",
        &gateway.mcp("crm"),
        &headers,
        body.to_string().as_bytes(),
    )
    .status
}

#[test]
fn a_real_client_finds_the_issuer_gets_a_token_calls_and_steps_up() {
    let (issuer, server) = (Issuer::start("jwt"), server());
    let (gateway, _) = gateway(&issuer, &server, "");
    for (endpoint, prefix) in [("crm", ""), ("", "crm__")] {
        let calls = ["read", "update_order"]
            .map(|tool| json!({ "name": format!("{prefix}{tool}"), "arguments": {} }));
        let plan = json!({ "url": gateway.mcp(endpoint), "calls": calls });
        let mut command = Command::new(peers().join("modern/bin/python"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/clients/mcp_oauth.py");
        let mut process = Process::start(command.arg(script).arg(plan.to_string()));
        let status = process.wait(START);
        assert!(
            status.is_some_and(|it| it.success()),
            "{}\n{}",
            process.log(),
            gateway.log()
        );
        let seen: Value = serde_json::from_str(&process.output()).unwrap();
        assert_eq!(
            seen["tools"],
            json!([format!("{prefix}read"), format!("{prefix}update_order")])
        );
        for call in seen["calls"].as_array().unwrap() {
            assert_eq!(call["content"][0]["text"], "done", "{seen}");
        }
        // First what every call needs, then what the second needs too.
        assert_eq!(seen["scopes"][0], "mcp", "{seen}");
        let last = seen["scopes"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .as_str()
            .unwrap();
        assert!(last.contains("crm:write"), "{seen}");
    }
    let calls =
        std::fs::read_to_string(gateway.config_file().with_file_name("calls.jsonl")).unwrap();
    let call = calls
        .lines()
        .find(|line| line.contains("update_order") && line.contains("\"forwarded\""));
    let call: Value = serde_json::from_str(call.unwrap()).unwrap();
    assert_eq!(
        (&call["principal"], &call["issuer"]),
        (&json!("ada"), &json!(issuer.url))
    );
    let why = gateway.command(&["why", call["id"].as_str().unwrap()]);
    assert!(
        why.output
            .contains(&format!("ada (by a token of {})", issuer.url)),
        "{why:?}"
    );
    let refused = calls
        .lines()
        .find(|line| line.contains("scope.missing"))
        .unwrap();
    let refused: Value = serde_json::from_str(refused).unwrap();
    let why = gateway.command(&["why", refused["id"].as_str().unwrap()]);
    assert!(
        why.output
            .contains("lacks a scope which \"crm/update_*\" asks for"),
        "{why:?}"
    );
    let status = gateway.command(&["status"]);
    assert!(
        status
            .output
            .contains(&format!("{}: 1 key, answered at", issuer.url)),
        "{status:?}"
    );
}

#[test]
fn verdicts_on_a_real_issuers_tokens() {
    let (issuer, server) = (Issuer::start("jwt"), server());
    let (gateway, own) = gateway(&issuer, &server, "");
    let token = issuer.token(&own, "mcp");
    assert_eq!(call(&gateway, &token, "read"), 200);
    assert_eq!(call(&gateway, &token, "update_order"), 403);
    assert_eq!(
        call(
            &gateway,
            &issuer.token(&own, "mcp crm:write"),
            "update_order"
        ),
        200
    );
    let here = issuer.token(&format!("{own}/mcp/crm"), "mcp");
    assert_eq!(call(&gateway, &here, "read"), 200);
    let elsewhere = issuer.token("https://other.example.com", "mcp");
    assert_eq!(call(&gateway, &elsewhere, "read"), 401);
    let other = Issuer::start("jwt");
    assert_eq!(
        call(&gateway, &other.token(&own, "mcp"), "read"),
        401,
        "another issuer"
    );
    let (head, _) = token.rsplit_once('.').unwrap();
    let signature = other.token(&own, "mcp");
    let signature = signature.rsplit('.').next().unwrap();
    assert_eq!(call(&gateway, &format!("{head}.{signature}"), "read"), 401);
    // New keys: their tokens are good at once.
    let issuer = issuer.start_anew();
    assert_eq!(call(&gateway, &issuer.token(&own, "mcp"), "read"), 200);
    let last = issuer.token(&own, "mcp crm:write");
    drop(issuer);
    assert_eq!(
        call(&gateway, &last, "update_order"),
        200,
        "the issuer is down, its keys are known"
    );
}

#[test]
fn a_real_issuer_is_asked_about_tokens_that_are_no_jwts_and_revokes_them() {
    let (issuer, server) = (Issuer::start("opaque"), server());
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "robots-secret\n").unwrap();
    let lines = format!(
        "principal = \"/client_id\"\n\
         introspection = {{ client-id = \"gateway\", client-secret = {{ from-file = {secret:?} }} }}"
    );
    let (gateway, own) = gateway(&issuer, &server, &lines);
    let (good, gone) = (issuer.token(&own, "mcp"), issuer.token(&own, "mcp"));
    assert!(!good.contains('.'), "{good}");
    assert_eq!(call(&gateway, &good, "read"), 200);
    assert_eq!(call(&gateway, &good, "update_order"), 403);
    issuer.post("/token/revocation", &format!("token={gone}"));
    assert_eq!(call(&gateway, &gone, "read"), 401, "revoked");
    assert_eq!(
        call(
            &gateway,
            &issuer.token("https://other.example.com", "mcp"),
            "read"
        ),
        401
    );
    let unseen = issuer.token(&own, "mcp");
    drop(issuer);
    assert_eq!(call(&gateway, &unseen, "read"), 503);
    assert_eq!(
        call(&gateway, &good, "read"),
        200,
        "an answer holds for half a minute"
    );
}
