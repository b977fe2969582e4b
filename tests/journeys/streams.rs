//! Streams of events pass one event at a time, whole, in order, with everything that MCP has in them.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::mpsc::channel;

use harness::{
    Chunk, Envelope, Era, Event, FakeServer, Front, Gateway, Over, Reply, Script, Speaker,
};
use parking_lot::Mutex;

/// What stands in a stream before the reply.
const EVENTS: &str = concat!(
    ": a comment before anything\n\n",
    "event: message\nid: 1-\u{e9}\nretry: 2500\ndata:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1.0,\"vendor\":1e400}}\n\n",
    "data: { \"jsonrpc\":\"2.0\",\r\ndata:\"method\":\"notifications/progress\" ,\ndata: \"params\":{\"progressToken\":\"t\\u0031\",\"progress\":1.50} }\r\n\r\n",
    "id: 3\ndata:\n\n",
    ":\n: two comments\nevent: vendor\nid: 4\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/vendor/odd\"}\n\n",
);
const LAST: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"n":1.0}}"#;
const ASK: &[u8] = br#"{"jsonrpc":"2.0","id":"s\u0031","method":"tools/call","params":{"name":"stream","arguments":{},"_meta":{"progressToken":"t\u0031","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
/// The same, with nothing in it that a legacy client would not say.
const LEGACY_ASK: &[u8] = br#"{"jsonrpc":"2.0","id":"s\u0031","method":"tools/call","params":{"name":"stream","arguments":{},"_meta":{"progressToken":"t\u0031"}}}"#;

fn ask(era: Era) -> &'static [u8] {
    if era == Era::Modern { ASK } else { LEGACY_ASK }
}

fn last_event() -> Vec<u8> {
    format!("id: 5\ndata: {}\n\n", LAST.replace("@ID@", "\"s\\u0031\"")).into_bytes()
}

#[test]
fn events_keep_their_data_and_retries_and_their_ids_where_those_are_visible_ascii() {
    for era in [Era::Legacy, Era::Modern] {
        let chunks = || vec![Chunk::Bytes(EVENTS.into()), Chunk::Bytes(last_event())];
        let direct = FakeServer::streaming(chunks());
        let sent = Speaker::open(direct.url(), era).post(ask(era)).events();
        assert_eq!(sent.len(), 6);

        let server = FakeServer::streaming(chunks());
        let gateway = Gateway::start(&server.config("fake"));
        let arrived = Speaker::open(&gateway.mcp("fake"), era)
            .post(ask(era))
            .events();
        assert_eq!(arrived, passed_on(&sent), "{era:?}");
    }
}

/// What becomes of these events: nothing of what a server says around its messages, an id that is not visible ASCII
/// sealed, an event of another name than MCP's without its data.
fn passed_on(sent: &[Event]) -> Vec<Event> {
    let named = |event: &Event| event.event.as_deref().is_none_or(|name| name == "message");
    sent.iter()
        .map(|event| Event {
            event: event.event.clone().filter(|name| name == "message"),
            id: event.id.as_deref().map(|id| match id {
                "1-\u{e9}" => "sandgate~MS3DqQ".to_owned(),
                plain => plain.to_owned(),
            }),
            retry: event.retry.clone(),
            data: event.data.clone().filter(|_| named(event)),
            comments: match event {
                Event {
                    id: None,
                    data: None,
                    retry: None,
                    ..
                } => vec![String::new()],
                _ => Vec::new(),
            },
        })
        .collect()
}

#[test]
fn events_cut_into_single_bytes_arrive_whole() {
    let bytes = || {
        EVENTS
            .bytes()
            .chain(last_event())
            .map(|byte| Chunk::Bytes(vec![byte]))
            .collect()
    };
    let direct = FakeServer::streaming(bytes());
    let sent = Speaker::open(direct.url(), Era::Modern).post(ASK).events();
    let server = FakeServer::streaming(bytes());
    let gateway = Gateway::start(&server.config("fake"));
    assert_eq!(
        Speaker::open(&gateway.mcp("fake"), Era::Modern)
            .post(ASK)
            .events(),
        passed_on(&sent)
    );
}

#[test]
fn an_event_passes_before_the_next_one_is_made() {
    for interceptors in ["", AUDIT] {
        let (go_on, gate) = channel();
        let server = FakeServer::streaming(vec![
            Chunk::Bytes(EVENTS.into()),
            Chunk::Wait(gate),
            Chunk::Bytes(last_event()),
        ]);
        let gateway = Gateway::start(&(server.config("fake") + interceptors));
        let speaker = Speaker::open(&gateway.mcp("fake"), Era::Modern);
        let mut reply = speaker.post(ASK);
        for n in 0..5 {
            assert!(
                reply.next_event().is_some(),
                "event {n} is held back until the stream ends"
            );
        }
        go_on.send(()).unwrap();
        let last = reply.next_event().expect("the last event").data.unwrap();
        assert_eq!(Envelope::of(&last).id.as_deref(), Some("\"s\\u0031\""));
        assert_eq!(reply.next_event(), None);
    }
}

#[test]
fn half_an_event_is_never_passed_on() {
    let last = last_event();
    let half = last[..last.len() - 10].to_vec();
    let server = FakeServer::streaming(vec![
        Chunk::Bytes(EVENTS.into()),
        Chunk::Bytes(half),
        Chunk::Cut,
    ]);
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let events = speaker.post(ASK).events();
    let whole: Vec<_> = events
        .iter()
        .filter_map(|event| event.id.as_deref())
        .collect();
    assert_eq!(whole, ["sandgate~MS3DqQ", "3", "4"], "events with an id");
    for message in events
        .iter()
        .skip(5)
        .filter_map(|event| event.data.as_deref())
    {
        let told: serde_json::Value = serde_json::from_slice(message).unwrap();
        assert!(
            told["error"].is_object(),
            "after the cut comes an error or nothing, not {told}"
        );
    }
    let again = streaming_calls(&server);
    assert_eq!(again, 1, "a call whose reply was cut is not repeated");
}

fn streaming_calls(server: &FakeServer) -> usize {
    server.heard_with("\"stream\"").len()
}

#[test]
fn what_an_http_server_streams_reaches_a_client_on_stdio_in_order() {
    for era in [Era::Legacy, Era::Modern] {
        let server = FakeServer::streaming(vec![
            Chunk::Bytes(EVENTS.into()),
            Chunk::Bytes(last_event()),
        ]);
        let mut front = Front::of_gateway(Over::Stdio, era, &server.config("fake"));
        let lines = front.say(ask(era));
        let lines: Vec<_> = lines
            .iter()
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        assert_eq!(
            lines,
            [
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1.0,"vendor":1e400}}"#,
                r#"{ "jsonrpc":"2.0","method":"notifications/progress" ,"params":{"progressToken":"t\u0031","progress":1.50} }"#,
                r#"{"jsonrpc":"2.0","id":"s\u0031","result":{"content":[],"n":1.0}}"#,
            ],
            "{era:?}"
        );
    }
}

#[test]
fn what_a_server_says_unasked_reaches_the_get_stream_as_it_was() {
    const NEWS: &str = "id: 7\nevent: message\ndata: { \"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"odd:\\/\\/x\",\"n\":1.0} }\n\n: still here\n\n";
    let (go_on, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let server = FakeServer::http_with(move |heard| match heard.verb.as_str() {
        "GET" => {
            let mut chunks = vec![Chunk::Bytes(NEWS.into())];
            chunks.extend(gate.lock().take().map(Chunk::Wait));
            Reply::Stream(chunks)
        }
        "POST" => match Script::new().answer(&heard.body).pop() {
            Some(message) => Reply::Json(message),
            None => Reply::Status(202, "text/plain", Vec::new()),
        },
        _ => Reply::Status(200, "text/plain", Vec::new()),
    });
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let mut stream = speaker.listen();
    assert_eq!(stream.status, 200);
    let event = stream.next_event().expect("the first event");
    assert_eq!(
        (event.id.as_deref(), event.event.as_deref()),
        (Some("7"), Some("message"))
    );
    let expected = r#"{ "jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"odd:\/\/x","n":1.0} }"#;
    assert_eq!(String::from_utf8_lossy(&event.data.unwrap()), expected);
    assert_eq!(stream.next_event().expect("the comment").comments, [""]);
    drop(go_on);
}

/// An interceptor that looks at every reply.
const AUDIT: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
mode = "audit"
"#;
