use harness::{Era, FakeServer, Gateway, Script, Speaker, request};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::telemetry::collector::{Collector, attributes};
use crate::telemetry::{POLICIES, call, say, server};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traced(collector: &Collector, server: &FakeServer) -> String {
    let telemetry = format!("[telemetry]\notlp = {:?}\n\n", collector.url());
    format!("{telemetry}{}{POLICIES}", server.config("fake"))
}

fn of_kind(spans: &[Span], kind: i32) -> &Span {
    spans.iter().find(|span| span.kind == kind).unwrap()
}

#[test]
fn a_call_hangs_under_its_client_and_the_server_under_the_call() {
    let (collector, server) = (Collector::new(), server());
    let gateway = Gateway::start(&traced(&collector, &server));
    let sent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "address"),
        ("traceparent", &sent),
        ("tracestate", "vendor=1"),
    ];
    let body = call("address", "");
    request("POST", &gateway.mcp("fake"), &headers, &body).body();
    let spans = collector.spans(3);
    let (whole, beyond) = (of_kind(&spans, SERVER), of_kind(&spans, CLIENT));
    assert_eq!(
        (&*whole.name, &*beyond.name),
        ("tools/call address", "tools/call address")
    );
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    assert_eq!(hex(&whole.parent_span_id), PARENT);
    assert_eq!(whole.trace_state, "vendor=1");
    let scrub = spans
        .iter()
        .filter(|span| span.name == "interceptor scrub")
        .find(|span| attributes(span)["sandgate.interceptor.hook"] == "post-call")
        .unwrap();
    for below in [beyond, scrub] {
        assert_eq!(below.parent_span_id, whole.span_id);
        assert!(below.start_time_unix_nano >= whole.start_time_unix_nano);
        assert!(below.end_time_unix_nano <= whole.end_time_unix_nano + 1_000_000);
    }
    let heard = server
        .heard()
        .into_iter()
        .find(|heard| heard.body == body)
        .unwrap();
    let told = format!("00-{TRACE}-{}-01", hex(&beyond.span_id));
    assert_eq!(heard.header("traceparent"), Some(&*told));
    assert_eq!(heard.header("tracestate"), None);

    let said = attributes(whole);
    for (key, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "address"),
        ("gen_ai.operation.name", "execute_tool"),
        ("mcp.protocol.version", "2026-07-28"),
        ("network.transport", "tcp"),
        ("sandgate.outcome", "forwarded"),
        ("sandgate.server", "fake"),
    ] {
        assert_eq!(said.get(key).map(String::as_str), Some(value), "{said:?}");
    }
    assert_eq!(attributes(beyond)["server.address"], "127.0.0.1");
    assert_eq!(attributes(scrub)["sandgate.interceptor.decision"], "edit");
}

#[test]
fn a_client_that_names_its_trace_in_the_message_gets_ours_there_and_nowhere_else() {
    let collector = Collector::new();
    let reply = r#"{"jsonrpc":"2.0","id":@ID@,"result":{}}"#;
    let server = FakeServer::stdio(&Script::new().on("tools/call", &[reply]));
    let gateway = Gateway::start(&traced(&collector, &server));
    let sent = format!("00-{TRACE}-{PARENT}-01");
    let body = call("plain", &format!(r#""traceparent":"{sent}","#));
    say(&gateway, "fake", &body);
    let spans = collector.spans(2);
    let (whole, beyond) = (of_kind(&spans, SERVER), of_kind(&spans, CLIENT));
    assert_eq!(hex(&whole.parent_span_id), PARENT);
    assert_eq!(attributes(beyond)["network.transport"], "pipe");
    let told = format!("00-{TRACE}-{}-01", hex(&beyond.span_id));
    let expected = String::from_utf8(body).unwrap().replace(&sent, &told);
    let heard = server.wait_for(&told, 1);
    let params = |text: &str| text[text.find("\"params\"").unwrap()..].to_owned();
    let heard = String::from_utf8(heard[0].clone()).unwrap();
    assert_eq!(params(&heard), params(&expected));
}

#[test]
fn what_fails_or_is_refused_says_so() {
    let (collector, server) = (Collector::new(), server());
    let gateway = Gateway::start(&traced(&collector, &server));
    say(&gateway, "fake", &call("refused", ""));
    say(&gateway, "fake", &call("fails", ""));
    let legacy = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    drop(legacy);
    // Two of the refused call, two of the one that fails and a run of its reply's, and of the session's two messages.
    let spans = collector.spans(8);
    let error = |name: &str, kind: i32| {
        let found = spans
            .iter()
            .find(|span| span.name == name && span.kind == kind);
        found.map(|span| attributes(span).get("error.type").cloned())
    };
    assert_eq!(
        error("tools/call refused", SERVER),
        Some(Some("refused".into()))
    );
    assert_eq!(error("tools/call refused", CLIENT), None);
    for name in ["tools/call refused", "interceptor bar"] {
        let codes = spans.iter().filter(|span| span.name == name);
        let code = codes.map(|span| attributes(span)["sandgate.refusal.code"].clone());
        assert_eq!(code.collect::<Vec<_>>(), ["allow-tools.not-allowed"]);
    }
    assert_eq!(
        error("tools/call fails", SERVER),
        Some(Some("-32001".into()))
    );
    assert_eq!(
        error("tools/call fails", CLIENT),
        Some(Some("-32001".into()))
    );
    let hello = spans.iter().find(|span| span.name == "initialize").unwrap();
    assert_eq!(attributes(hello)["mcp.session.id"].len(), 32);
}
