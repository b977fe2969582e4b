//! Headers that say what no interceptor sees.

use harness::{Envelope, FakeServer, Gateway, Reply, Script, request};

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"tools":[{"name":"query","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}],"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"resultType":"complete"}}"#;
const SCRUB: &str = "[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\n";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn server() -> FakeServer {
    FakeServer::http(
        Script::new()
            .on("tools/list", &[TOOLS])
            .on("tools/call", &[DONE])
            .on("resources/read", &[DONE]),
    )
}

/// Sends a modern request with more headers, and gives what the server got of it; none where the gateway refused it.
fn sent(
    gateway: &Gateway,
    server: &FakeServer,
    (method, name, params): (&str, &str, &str),
    more: &[(&str, &str)],
) -> Option<Vec<(String, String)>> {
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params},{META}}}}}"#);
    let mut headers = vec![
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
        ("mcp-name", name),
    ];
    headers.extend_from_slice(more);
    request("POST", &gateway.mcp("fake"), &headers, body.as_bytes());
    let heard = server.heard();
    let found = heard
        .iter()
        .rev()
        .find(|heard| Envelope::of_request(&heard.body).as_deref() == Some(method));
    found.map(|heard| heard.headers.clone())
}

const CALL: (&str, &str, &str) = (
    "tools/call",
    "query",
    r#""name":"query","arguments":{"region":"eu"}"#,
);

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(key, _)| key == name)
}

#[test]
fn a_parameter_that_no_definition_explains_does_not_pass_an_interceptor() {
    let server = server();
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let more = [
        ("mcp-param-region", "eu"),
        ("mcp-param-note", "anna.schmidt@example.org"),
    ];
    let got = sent(&gateway, &server, CALL, &more).unwrap();
    assert!(!has(&got, "mcp-param-note"), "{got:?}");
    assert!(has(&got, "mcp-param-region"), "{got:?}");
}

#[test]
fn a_parameter_of_a_tool_that_nobody_lists_does_not_pass_an_interceptor() {
    let server = server();
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let call = ("tools/call", "hidden", r#""name":"hidden""#);
    let got = sent(&gateway, &server, call, &[("mcp-param-region", "secret")]).unwrap();
    assert!(!has(&got, "mcp-param-region"), "{got:?}");
}

#[test]
fn a_parameter_in_the_headers_of_another_method_goes_no_further() {
    let server = server();
    let gateway = Gateway::start(&server.config("fake"));
    let read = ("resources/read", "file:///a", r#""uri":"file:///a""#);
    let got = sent(&gateway, &server, read, &[("mcp-param-region", "secret")]).unwrap();
    assert!(!has(&got, "mcp-param-region"), "{got:?}");
}

#[test]
fn what_tracing_systems_carry_along_goes_no_further() {
    let server = server();
    let gateway = Gateway::start(&server.config("fake"));
    let more = [
        ("traceparent", PARENT),
        ("tracestate", "a=secret"),
        ("baggage", "user=secret"),
    ];
    let got = sent(&gateway, &server, CALL, &more).unwrap();
    assert!(
        has(&got, "traceparent") && !has(&got, "tracestate") && !has(&got, "baggage"),
        "{got:?}"
    );
}

#[test]
fn the_operator_may_let_it_go_on() {
    let server = server();
    let gateway = Gateway::start(&(server.config("fake") + "forward-trace-state = true\n"));
    let more = [
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("baggage", "a=1"),
    ];
    let got = sent(&gateway, &server, CALL, &more).unwrap();
    assert!(has(&got, "tracestate") && has(&got, "baggage"), "{got:?}");
}

#[test]
fn a_place_in_a_trace_is_no_text() {
    let server = server();
    let gateway = Gateway::start(&server.config("fake"));
    for forged in [
        "anna.schmidt@example.org",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-secret",
    ] {
        let got = sent(&gateway, &server, CALL, &[("traceparent", forged)]).unwrap();
        assert!(!has(&got, "traceparent"), "{got:?}");
    }
}

#[test]
fn a_legacy_client_has_no_parameters_in_its_headers() {
    let server = server();
    let gateway = Gateway::start(&server.config("fake"));
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
    ];
    let hello = request(
        "POST",
        &gateway.mcp("fake"),
        &headers,
        harness::Speaker::INITIALIZE,
    );
    let session = hello.header("mcp-session-id").unwrap().to_owned();
    let mut more = headers.to_vec();
    more.extend([
        ("mcp-session-id", &*session),
        ("mcp-param-note", "secret"),
        ("baggage", "secret"),
    ]);
    let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query"}}"#;
    request("POST", &gateway.mcp("fake"), &more, call);
    let got = server.heard().pop().unwrap();
    assert!(
        got.header("mcp-param-note").is_none() && got.header("baggage").is_none(),
        "{got:?}"
    );
}

#[test]
fn a_server_cannot_say_of_what_type_its_refusal_is() {
    let server =
        FakeServer::http_with(|heard| match Envelope::of_request(&heard.body).as_deref() {
            Some("tools/call") => {
                Reply::Status(403, "text/html", b"<script>forged</script>".to_vec())
            }
            _ => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            },
        });
    let gateway = Gateway::start(&server.config("fake"));
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x",{META}}}}}"#
    );
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "x"),
    ];
    let answer = request("POST", &gateway.mcp("fake"), &headers, body.as_bytes());
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (403, Some("text/plain; charset=utf-8"))
    );
    assert!(!String::from_utf8(answer.body()).unwrap().contains("forged"));
}
