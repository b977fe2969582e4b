//! What nobody changed arrives as it was sent: byte for byte, over every pair of transports, in both directions and both
//! eras. The exceptions: line ends between tokens where lines or events frame the message, and ids where several
//! clients share one server's pipe.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod corpus;

use std::collections::VecDeque;
use std::sync::mpsc::channel;

use corpus::{LEGACY_META, MODERN_META, ODD, Odd};
use harness::{
    Chunk, Envelope, Era, Event, FakeServer, Gateway, Pipe, Reply, Script, Speaker,
    without_line_ends,
};
use parking_lot::Mutex;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    Http,
    Stdio,
}

/// A client in front of the gateway, or of a server itself.
enum Front {
    // The gateway goes when the client does.
    Http(
        Speaker,
        #[allow(dead_code, reason = "kept running")] Option<Gateway>,
    ),
    Stdio(Pipe),
}

impl Front {
    fn of_gateway(over: Over, era: Era, config: &str) -> Self {
        match over {
            Over::Http => {
                let gateway = Gateway::start(config);
                Self::Http(Speaker::open(&gateway.mcp("fake"), era), Some(gateway))
            }
            Over::Stdio => Self::Stdio(Gateway::pipe(config, "fake")).greet(era),
        }
    }

    fn of_server(server: &FakeServer, over: Over, era: Era) -> Self {
        match over {
            Over::Http => Self::Http(Speaker::open(server.url(), era), None),
            Over::Stdio => Self::Stdio(server.pipe()).greet(era),
        }
    }

    fn greet(mut self, era: Era) -> Self {
        if era == Era::Legacy {
            self.say(Speaker::INITIALIZE);
            self.say(Speaker::INITIALIZED);
        }
        self
    }

    fn say(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Http(speaker, _) => speaker.say(message),
            Self::Stdio(pipe) => pipe.say(message),
        }
    }
}

fn script() -> Script {
    ODD.iter().fold(Script::new(), |script, odd| {
        script.on(odd.name, &[odd.reply])
    })
}

fn server(over: Over, script: Script) -> FakeServer {
    match over {
        Over::Http => FakeServer::http(script),
        Over::Stdio => FakeServer::stdio(&script),
    }
}

fn request(odd: &Odd, era: Era) -> Vec<u8> {
    let meta = if era == Era::Modern {
        MODERN_META
    } else {
        LEGACY_META
    };
    odd.request.replace("@META@", meta).into_bytes()
}

/// The message as it may arrive where any hop on its way frames by lines.
fn framed(message: &[u8], hops: [Over; 2]) -> Vec<u8> {
    if hops.contains(&Over::Stdio) {
        without_line_ends(message)
    } else {
        message.to_vec()
    }
}

/// The message with its id taken out: what shares a pipe may carry another number there.
fn without_id(message: &[u8]) -> Vec<u8> {
    let at = Envelope::of(message).id_at.unwrap();
    [&message[..at.start], b"@", &message[at.end..]].concat()
}

#[track_caller]
fn assert_same(what: &str, name: &str, got: &[u8], sent: &[u8]) {
    assert!(
        got == sent,
        "{name}: {what}\n  sent    {}\n  arrived {}",
        String::from_utf8_lossy(sent).escape_debug(),
        String::from_utf8_lossy(got).escape_debug()
    );
}

/// Sends the whole corpus through and compares both ends.
#[track_caller]
fn carry_the_corpus(front: &mut Front, client: Over, server: &FakeServer, behind: Over, era: Era) {
    for odd in ODD {
        let sent = request(odd, era);
        let mut answers = front.say(&sent);
        let heard = server.heard_with(odd.name);
        assert_eq!(heard.len(), 1, "{}: the server heard it so often", odd.name);
        let expected = framed(&sent, [client, behind]);
        match behind {
            Over::Http => assert_same("to the server", odd.name, &heard[0], &expected),
            Over::Stdio => assert_same(
                "to the server",
                odd.name,
                &without_id(&heard[0]),
                &without_id(&expected),
            ),
        }
        assert_eq!(answers.len(), 1, "{}: answers", odd.name);
        let reply = odd
            .reply
            .replace("@ID@", Envelope::of(&sent).id.as_deref().unwrap());
        assert_same(
            "to the client",
            odd.name,
            &answers.remove(0),
            &framed(reply.as_bytes(), [client, behind]),
        );
    }
}

#[track_caller]
fn corpus_through_gateway(client: Over, behind: Over, era: Era, interceptors: &str) {
    let server = server(behind, script());
    let config = server.config("fake") + interceptors;
    let mut front = Front::of_gateway(client, era, &config);
    carry_the_corpus(&mut front, client, &server, behind, era);
}

#[test]
fn the_harness_itself_changes_nothing() {
    for era in [Era::Legacy, Era::Modern] {
        for over in [Over::Http, Over::Stdio] {
            let server = server(over, script());
            let mut front = Front::of_server(&server, over, era);
            carry_the_corpus(&mut front, over, &server, over, era);
        }
    }
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_http_to_http() {
    corpus_through_gateway(Over::Http, Over::Http, Era::Legacy, "");
    corpus_through_gateway(Over::Http, Over::Http, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_http_to_stdio() {
    corpus_through_gateway(Over::Http, Over::Stdio, Era::Legacy, "");
    corpus_through_gateway(Over::Http, Over::Stdio, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_stdio_to_http() {
    corpus_through_gateway(Over::Stdio, Over::Http, Era::Legacy, "");
    corpus_through_gateway(Over::Stdio, Over::Http, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_stdio_to_stdio() {
    corpus_through_gateway(Over::Stdio, Over::Stdio, Era::Legacy, "");
    corpus_through_gateway(Over::Stdio, Over::Stdio, Era::Modern, "");
}

const AUDIT: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
mode = "audit"

[[interceptors]]
name = "arguments"
plugin = "builtin:argument-validator"
mode = "audit"
"#;

#[test]
fn interceptors_in_audit_leave_no_mark() {
    for (client, behind) in [
        (Over::Http, Over::Http),
        (Over::Http, Over::Stdio),
        (Over::Stdio, Over::Stdio),
    ] {
        corpus_through_gateway(client, behind, Era::Legacy, AUDIT);
        corpus_through_gateway(client, behind, Era::Modern, AUDIT);
    }
}

#[test]
fn what_an_interceptor_in_audit_would_mask_is_not_masked() {
    for behind in [Over::Http, Over::Stdio] {
        let server = server(behind, Script::new().on("personal", &[PERSONAL]));
        let mut front =
            Front::of_gateway(Over::Http, Era::Legacy, &(server.config("fake") + AUDIT));
        let answers = front.say(ASK_PERSONAL);
        assert_same(
            "in audit",
            "personal",
            &answers[0],
            PERSONAL.replace("@ID@", "\"p\\u0031\"").as_bytes(),
        );
    }
}

#[test]
fn notifications_with_unknown_fields_arrive_byte_for_byte() {
    const NOTE: &[u8] =
        br#"{ "method":"notifications/roots/list_changed","vendor":1.0,"params":{"z":1e400,"a":"\u0041"},"jsonrpc":"2.0" }"#;
    for client in [Over::Http, Over::Stdio] {
        for behind in [Over::Http, Over::Stdio] {
            let server = server(behind, Script::new());
            let mut front = Front::of_gateway(client, Era::Legacy, &server.config("fake"));
            assert!(front.say(NOTE).is_empty());
            let heard = server.wait_for("roots/list_changed", 1);
            assert_eq!(heard.len(), 1, "{client:?} to {behind:?}");
            assert_same("to the server", "notification", &heard[0], NOTE);
        }
    }
}

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

/// A server that answers `tools/call` with a stream of these chunks, given once, and all else by the usual script.
fn streaming_server(chunks: Vec<Chunk>) -> FakeServer {
    let chunks = Mutex::new(VecDeque::from([chunks]));
    FakeServer::http_with(
        move |heard| match Envelope::of_request(&heard.body).as_deref() {
            Some("tools/call") => Reply::Stream(chunks.lock().pop_front().unwrap()),
            Some(_) => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            },
            None => Reply::Status(405, "text/plain", Vec::new()),
        },
    )
}

fn last_event() -> Vec<u8> {
    format!("id: 5\ndata: {}\n\n", LAST.replace("@ID@", "\"s\\u0031\"")).into_bytes()
}

/// Events but for the line ends inside their data, which a gateway may have to leave out. Empty data is none.
fn read_events(speaker: &Speaker, message: &[u8]) -> Vec<Event> {
    let mut reply = speaker.post(message);
    let data = |data: Vec<u8>| Some(without_line_ends(&data)).filter(|data| !data.is_empty());
    std::iter::from_fn(|| reply.next_event())
        .map(|event| Event {
            data: event.data.and_then(data),
            ..event
        })
        .collect()
}

#[test]
fn events_keep_their_data_ids_names_retries_and_comments() {
    for era in [Era::Legacy, Era::Modern] {
        let chunks = || vec![Chunk::Bytes(EVENTS.into()), Chunk::Bytes(last_event())];
        let direct = streaming_server(chunks());
        let sent = read_events(&Speaker::open(direct.url(), era), ask(era));
        assert_eq!(sent.len(), 6);

        let server = streaming_server(chunks());
        let gateway = Gateway::start(&server.config("fake"));
        let arrived = read_events(&Speaker::open(&gateway.mcp("fake"), era), ask(era));
        assert_eq!(arrived, sent, "{era:?}");
    }
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
    let direct = streaming_server(bytes());
    let sent = read_events(&Speaker::open(direct.url(), Era::Modern), ASK);
    let server = streaming_server(bytes());
    let gateway = Gateway::start(&server.config("fake"));
    assert_eq!(
        read_events(&Speaker::open(&gateway.mcp("fake"), Era::Modern), ASK),
        sent
    );
}

#[test]
fn an_event_passes_before_the_next_one_is_made() {
    for interceptors in ["", AUDIT] {
        let (go_on, gate) = channel();
        let server = streaming_server(vec![
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
    let server = streaming_server(vec![
        Chunk::Bytes(EVENTS.into()),
        Chunk::Bytes(half),
        Chunk::Cut,
    ]);
    let gateway = Gateway::start(&server.config("fake"));
    let speaker = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let events = read_events(&speaker, ASK);
    let whole: Vec<_> = events
        .iter()
        .filter_map(|event| event.id.as_deref())
        .collect();
    assert_eq!(whole, ["1-é", "3", "4"], "events with an id");
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
        let server = streaming_server(vec![
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
                r#"{"jsonrpc":"2.0","method":"notifications/vendor/odd"}"#,
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
    assert_same(
        "on the GET stream",
        "news",
        &event.data.unwrap(),
        expected.as_bytes(),
    );
    assert_eq!(
        stream.next_event().expect("the comment").comments,
        ["still here"]
    );
    drop(go_on);
}

const ASK_PERSONAL: &[u8] =
    br#"{"jsonrpc":"2.0","id":"p\u0031","method":"tools/call","params":{"name":"personal","arguments":{}}}"#;
const PERSONAL: &str = r#"{ "vendor" : 1e400,"result":{"z":1.0,"content":[{"text":"anna.schmidt@example.org","type":"te\u0078t","n":-0}],"structuredContent":{"d":12345678901234567890123,"\u0061":"\/"} },"jsonrpc":"2.0" , "id":@ID@ }"#;
const SCRUB: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
settings = { entities = ["email"] }
"#;

#[test]
fn after_one_edit_only_that_value_differs() {
    let reply = PERSONAL.replace("@ID@", "\"p\\u0031\"");
    let (before, after) = reply.split_once("anna.schmidt@example.org").unwrap();
    for (client, behind) in [
        (Over::Http, Over::Http),
        (Over::Http, Over::Stdio),
        (Over::Stdio, Over::Stdio),
    ] {
        let server = server(behind, Script::new().on("personal", &[PERSONAL]));
        let mut front = Front::of_gateway(client, Era::Legacy, &(server.config("fake") + SCRUB));
        let answers = front.say(ASK_PERSONAL);
        assert_only_the_address_differs(&answers[0], before, after);
    }
}

#[test]
fn after_one_edit_of_an_event_only_that_value_differs() {
    let reply = PERSONAL.replace("@ID@", "\"s\\u0031\"");
    let (before, after) = reply.split_once("anna.schmidt@example.org").unwrap();
    let event = format!(": kept\nid: 5\ndata: {reply}\n\n");
    let server = streaming_server(vec![
        Chunk::Bytes(EVENTS.into()),
        Chunk::Bytes(event.into()),
    ]);
    let gateway = Gateway::start(&(server.config("fake") + SCRUB));
    let events = read_events(
        &Speaker::open(&gateway.mcp("fake"), Era::Legacy),
        LEGACY_ASK,
    );
    let last = events.last().unwrap();
    assert_eq!(
        (last.id.as_deref(), last.comments.as_slice()),
        (Some("5"), &["kept".to_owned()][..])
    );
    assert_only_the_address_differs(last.data.as_deref().unwrap(), before, after);
}

#[track_caller]
fn assert_only_the_address_differs(got: &[u8], before: &str, after: &str) {
    let got = std::str::from_utf8(got).unwrap();
    assert!(
        got.starts_with(before) && got.ends_with(after),
        "more than the address differs: {got}"
    );
    assert!(
        !got.contains("anna.schmidt"),
        "the address is still there: {got}"
    );
}
