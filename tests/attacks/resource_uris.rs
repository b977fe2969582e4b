//! A resource by another spelling of its URI.

use harness::{Era, FakeServer, Front, Gateway, Over, Pipe, Script, Speaker, request};
use serde_json::{Value, json};

const ALLOW: &str = r#"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
timeout = "5s"
[interceptors.settings]
kinds = ["resources"]
rules = [{ who = ["*"], allow = ["*/file:///open/*", "*/file:///open/{path}", "*/file:///{+path}", "*/note:*"] }]
"#;
const SCRUB: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
targets = ["file:///shut/*", "note:///shut/*"]
timeout = "5s"
"#;
const PAYROLL: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"contents":[{"uri":"x:y","text":"PAYROLL ann@example.com"}]}}"#;

/// A server that finds the forbidden file whatever the URI is, as one does that reads it otherwise than the gateway.
fn server(over: Over) -> FakeServer {
    let script = Script::new()
        .on("resources/list", &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resources":[{"uri":"file:///open/listed%2Fodd","name":"odd"},{"uri":"FILE:///shut/listed","name":"listed"}]}}"#])
        .on("resources/templates/list", &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resourceTemplates":[{"uriTemplate":"file:///open/{path}","name":"open"},{"uriTemplate":"file:///{+path}","name":"any"}]}}"#])
        .on("completion/complete", &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"completion":{"values":["PAYROLL"]}}}"#])
        .on("resources/", &[PAYROLL]);
    FakeServer::over(over, script)
}

/// A message of a session, and what comes back, as text.
fn ask(front: &mut Front, id: u32, method: &str, params: &Value) -> String {
    let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let replies = front.say(message.to_string().as_bytes());
    replies
        .iter()
        .map(|reply| String::from_utf8_lossy(reply).into_owned())
        .collect()
}

/// Whether any of these spellings brings the forbidden file, from a server over either transport.
#[track_caller]
fn none_is_read(config: &str, method: &str, spellings: &[&str]) {
    for over in [Over::Http, Over::Stdio] {
        let server = server(over);
        let config = server.config("fake") + config;
        let mut front = Front::of_gateway(over, Era::Legacy, &config);
        for (id, spelling) in (1..).zip(spellings) {
            let reply = ask(&mut front, id, method, &json!({ "uri": spelling }));
            assert!(
                !reply.contains("PAYROLL"),
                "{spelling:?} over {over:?}: {reply}"
            );
            assert!(
                reply.contains("-32602"),
                "{spelling:?} over {over:?}: {reply}"
            );
        }
        assert!(
            server.heard_with(method).is_empty(),
            "the server heard of it"
        );
    }
}

#[test]
fn dot_segments_do_not_leave_an_allowed_folder() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "file:///open/../shut/payroll",
            "file:///open/./../shut/payroll",
        ],
    );
}

#[test]
fn escaped_dot_segments_do_not_leave_an_allowed_folder() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "file:///open/%2e%2e/shut/payroll",
            "file:///open/.%2E/shut/payroll",
            "file:///open/..%2fshut/payroll",
        ],
    );
}

#[test]
fn dot_segments_that_are_escaped_twice_do_not_leave_an_allowed_folder() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "file:///open/%252e%252e/shut/payroll",
            "file:///open/..%25252fshut/payroll",
        ],
    );
}

#[test]
fn backslashes_do_not_leave_an_allowed_folder() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "file:///open/..\\shut\\payroll",
            "file:///open\\..\\shut/payroll",
            "file:///open/..%5cshut/payroll",
        ],
    );
}

#[test]
fn tabs_and_line_ends_within_dots_do_not_leave_an_allowed_folder() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "file:///open/.\t./shut/payroll",
            "file:///open/.\n./shut/payroll",
            "file:///open/.%09./shut/payroll",
        ],
    );
}

#[test]
fn a_uri_that_is_escaped_without_end_is_refused() {
    let deep = format!("file:///open/%{}2e%2e/shut/payroll", "25".repeat(60));
    none_is_read(ALLOW, "resources/read", &[&deep]);
}

#[test]
fn dot_segments_do_not_leave_a_folder_of_another_scheme() {
    none_is_read(
        ALLOW,
        "resources/read",
        &[
            "note:///open/../shut/payroll",
            "note:///open/%2e%2e/shut/payroll",
        ],
    );
}

#[test]
fn a_nul_does_not_cut_an_allowed_uri_short() {
    none_is_read(
        ALLOW,
        "resources/read",
        &["file:///open/x\u{0}.txt", "file:///open/x%00.txt"],
    );
}

#[test]
fn a_subscription_reaches_no_forbidden_resource() {
    none_is_read(
        ALLOW,
        "resources/subscribe",
        &["file:///open/../shut/payroll", "file:///open/..%2fshut"],
    );
}

#[test]
fn another_case_of_the_scheme_is_in_the_scrubbers_scope() {
    none_is_read(
        SCRUB,
        "resources/read",
        &[
            "FILE:///shut/payroll",
            "File:///shut/payroll",
            "NOTE:///shut/payroll",
        ],
    );
}

#[test]
fn another_authority_is_in_the_scrubbers_scope() {
    none_is_read(
        SCRUB,
        "resources/read",
        &[
            "file://localhost/shut/payroll",
            "file:/shut/payroll",
            "file:////shut/payroll",
        ],
    );
}

#[test]
fn dots_and_empty_segments_are_in_the_scrubbers_scope() {
    none_is_read(
        SCRUB,
        "resources/read",
        &[
            "file:///./shut/payroll",
            "file:///x/../shut/payroll",
            "file:///shut//../shut/payroll",
        ],
    );
}

#[test]
fn blanks_around_a_uri_are_in_the_scrubbers_scope() {
    none_is_read(
        SCRUB,
        "resources/read",
        &[
            " file:///shut/payroll",
            "\tfile:///shut/payroll",
            "file:\t///shut/payroll",
        ],
    );
}

#[test]
fn escaped_letters_are_in_the_scrubbers_scope() {
    none_is_read(
        SCRUB,
        "resources/read",
        &[
            "file:///%73hut/payroll",
            "file:///%2573hut/payroll",
            "note:///%73hut/payroll",
        ],
    );
}

#[test]
fn a_file_is_scrubbed_whatever_its_host_and_with_a_slash_at_its_end() {
    let server = server(Over::Http);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + SCRUB));
    for (id, uri) in (1..).zip([
        "file://elsewhere/shut/payroll",
        "file://elsewhere/shut/payroll/",
    ]) {
        let reply = ask(&mut front, id, "resources/read", &json!({ "uri": uri }));
        assert!(reply.contains("PAYROLL [email~"), "{uri}: {reply}");
    }
}

#[test]
fn a_listed_uri_passes_as_it_is_and_is_scrubbed_by_what_it_means() {
    let server = server(Over::Http);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + SCRUB));
    let reply = ask(
        &mut front,
        1,
        "resources/read",
        &json!({ "uri": "FILE:///shut/listed" }),
    );
    assert!(reply.contains("PAYROLL [email~"), "{reply}");
    assert_eq!(server.heard_with("FILE:///shut/listed").len(), 1);
}

#[test]
fn a_value_in_a_template_does_not_leave_an_allowed_folder() {
    for over in [Over::Http, Over::Stdio] {
        let server = server(over);
        let mut front = Front::of_gateway(over, Era::Legacy, &(server.config("fake") + ALLOW));
        for (id, value) in (1..).zip(["../shut/", "..\\shut", "%2e%2e/shut", ".\t./shut"]) {
            let params = json!({ "ref": { "type": "ref/resource", "uri": "file:///open/{path}" },
                "argument": { "name": "path", "value": value } });
            let reply = ask(&mut front, id, "completion/complete", &params);
            assert!(!reply.contains("PAYROLL"), "{value:?}: {reply}");
        }
    }
}

#[test]
fn a_completion_tells_nothing_of_a_folder_that_is_not_allowed() {
    let server = server(Over::Http);
    let mut front = Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + ALLOW));
    let params = json!({ "ref": { "type": "ref/resource", "uri": "file:///{+path}" },
        "argument": { "name": "path", "value": "shut/" } });
    let mut params_of_context = params.clone();
    params_of_context["argument"]["name"] = "other".into();
    params_of_context["context"] = json!({ "arguments": { "path": "shut/" } });
    for (id, params) in [(1, params), (2, params_of_context)] {
        // The template itself is allowed; what it is made into is not.
        let reply = ask(&mut front, id, "completion/complete", &params);
        assert!(!reply.contains("PAYROLL"), "{reply}");
    }
}

#[test]
fn other_spellings_do_not_pass_on_the_merged_endpoint_either() {
    let server = server(Over::Http);
    let gateway = Gateway::start(&(server.config("fake") + ALLOW));
    let speaker = Speaker::open(&gateway.mcp(""), Era::Legacy);
    for uri in [
        "file:///open/../shut/payroll",
        "file:///open/%2e%2e/shut/payroll",
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": uri } });
        let reply = String::from_utf8_lossy(&speaker.post(message.to_string().as_bytes()).body())
            .into_owned();
        assert!(!reply.contains("PAYROLL"), "{reply}");
    }
}

#[test]
fn other_spellings_do_not_pass_on_the_merged_endpoint_over_stdio() {
    let server = server(Over::Stdio);
    let mut pipe: Pipe = Gateway::pipe(&(server.config("fake") + SCRUB), "");
    pipe.say(Speaker::INITIALIZE);
    pipe.say(Speaker::INITIALIZED);
    for uri in ["file:/shut/payroll", "file:///%73hut/payroll"] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": uri } });
        let reply = pipe.say(message.to_string().as_bytes()).concat();
        let reply = String::from_utf8_lossy(&reply).into_owned();
        assert!(!reply.contains("ann@example.com"), "{reply}");
    }
}

/// A modern request by hand: what the headers mirror is what the body says.
fn modern(url: &str, method: &str, name: Option<&str>, params: &str) -> (u16, String) {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params},{meta}}}}}"#);
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    headers.extend(name.map(|name| ("mcp-name", name)));
    let reply = request("POST", url, &headers, body.as_bytes());
    (
        reply.status,
        String::from_utf8_lossy(&reply.body()).into_owned(),
    )
}

#[test]
fn a_modern_read_by_another_spelling_is_refused() {
    let server = server(Over::Http);
    let gateway = Gateway::start(&(server.config("fake") + ALLOW));
    for endpoint in ["fake", ""] {
        for uri in [
            "file:///open/../shut/payroll",
            "file:///open/%2e%2e/shut/payroll",
        ] {
            let params = format!(r#""uri":"{uri}""#);
            let (_, reply) = modern(&gateway.mcp(endpoint), "resources/read", Some(uri), &params);
            assert!(!reply.contains("PAYROLL"), "{reply}");
        }
    }
}

#[test]
fn a_modern_subscription_by_another_spelling_is_refused() {
    let server = server(Over::Http);
    let gateway = Gateway::start(&(server.config("fake") + ALLOW));
    let params = r#""notifications":{"resourceSubscriptions":["file:///open/../shut/payroll"]}"#;
    let (_, reply) = modern(&gateway.mcp("fake"), "subscriptions/listen", None, params);
    assert!(reply.contains("-32602"), "{reply}");
    assert!(server.heard_with("subscriptions/listen").is_empty());
}
