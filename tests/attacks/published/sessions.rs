//! Another caller's session, its streams and its questions.

use std::sync::mpsc;

use harness::{Chunk, Envelope, Exchange, FakeServer, Gateway, Reply, Script, Speaker, request};
use parking_lot::Mutex;
use serde_json::json;

use super::{PLAIN, SECRET, all_of, legacy_call, token, works};

/// Two callers with keys of their own, in front of one server.
struct Two {
    gateway: Gateway,
    ada: String,
    mallory: String,
}

impl Two {
    fn at(server: &FakeServer) -> Self {
        let ((ada, ada_lines), (mallory, mallory_lines)) = (token("ada"), token("mallory"));
        let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\n";
        let config = format!(
            "{listen}{ada_lines}{mallory_lines}{}",
            server.config("fake")
        );
        let gateway = Gateway::start(&config);
        Self {
            gateway,
            ada,
            mallory,
        }
    }

    fn send(&self, verb: &str, token: &str, more: &[(&str, &str)], body: &[u8]) -> Exchange {
        let headers = [&PLAIN[..], &[("authorization", token)], more].concat();
        request(verb, &self.gateway.mcp("fake"), &headers, body)
    }

    fn begin(&self, token: &str) -> String {
        let began = self.send("POST", token, &[], Speaker::INITIALIZE);
        let session = began.header("mcp-session-id").unwrap().to_owned();
        let within = [("mcp-session-id", session.as_str())];
        assert_eq!(
            self.send("POST", token, &within, Speaker::INITIALIZED)
                .status,
            202
        );
        session
    }
}

#[test]
fn a_stolen_session_id_is_worth_nothing_to_another_caller() {
    let server = FakeServer::http(works());
    let two = Two::at(&server);
    let session = two.begin(&two.ada);
    let stolen = [("mcp-session-id", session.as_str())];
    let before = server.heard().len();
    let injected =
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}).to_string();
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string();
    for body in [
        &legacy_call("x")[..],
        injected.as_bytes(),
        answer.as_bytes(),
    ] {
        assert_eq!(two.send("POST", &two.mallory, &stolen, body).status, 404);
    }
    for verb in ["GET", "DELETE"] {
        assert_eq!(
            two.send(verb, &two.mallory, &stolen, b"").status,
            404,
            "{verb}"
        );
    }
    assert_eq!(server.heard().len(), before);
    // The session goes on for its owner.
    let asked = two.send("POST", &two.ada, &stolen, &legacy_call("x"));
    assert!(!all_of(asked).contains("\"error\""));
}

#[test]
fn an_event_id_of_anothers_stream_resumes_nothing() {
    // Like servers that keep one store of events for all sessions: whoever names an event gets what follows it.
    let reply = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{SECRET}"}}]}}}}"#
    );
    let server = FakeServer::http_with(move |heard| {
        let resumed = heard
            .header("last-event-id")
            .is_some_and(|id| id.ends_with("42"));
        match Envelope::of_request(&heard.body).as_deref() {
            None if heard.verb == "GET" && resumed => {
                let told = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{SECRET}"}}}}"#
                );
                let events = format!("id: 43\ndata: {told}\n\nid: 44\ndata: {reply}\n\n");
                Reply::Stream(vec![Chunk::Bytes(events.into_bytes())])
            }
            Some("tools/call") => {
                let progress = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"soon"}}"#;
                let event = format!("id: 42\ndata: {progress}\n\n");
                Reply::Stream(vec![Chunk::Bytes(event.into_bytes())])
            }
            Some(_) => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            },
            None => Reply::Status(405, "text/plain", Vec::new()),
        }
    });
    let two = Two::at(&server);
    let (adas, mallorys) = (two.begin(&two.ada), two.begin(&two.mallory));
    let within = [("mcp-session-id", adas.as_str())];
    let mut stream = two.send("POST", &two.ada, &within, &legacy_call("x"));
    let id = stream.next_event().unwrap().id.unwrap();
    for guess in [id.as_str(), "42"] {
        let headers = [
            ("mcp-session-id", mallorys.as_str()),
            ("last-event-id", guess),
        ];
        let mut resumed = two.send("GET", &two.mallory, &headers, b"");
        if resumed.status == 200 {
            let event = resumed.next_event();
            let data = event.and_then(|event| event.data).unwrap_or_default();
            let data = String::from_utf8_lossy(&data).into_owned();
            assert!(!data.contains(SECRET), "by {guess}: {data}");
        }
    }
    // Its owner gets the reply.
    let headers = [
        ("mcp-session-id", adas.as_str()),
        ("last-event-id", id.as_str()),
    ];
    let event = two
        .send("GET", &two.ada, &headers, b"")
        .next_event()
        .unwrap();
    assert!(String::from_utf8_lossy(&event.data.unwrap()).contains(SECRET));
}

#[test]
fn anothers_question_is_not_answered() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(Some(wait));
    let server = FakeServer::http_with(move |heard| {
        match Envelope::of_request(&heard.body).as_deref() {
            Some("tools/call") => {
                let question = r#"{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Pay?","requestedSchema":{"type":"object","properties":{}}}}"#;
                let reply = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
                Reply::Stream(vec![
                    Chunk::Bytes(format!("data: {question}\n\n").into_bytes()),
                    Chunk::Wait(wait.lock().take().unwrap()),
                    Chunk::Bytes(format!("data: {reply}\n\n").into_bytes()),
                ])
            }
            Some(_) => match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            },
            None if heard.verb == "POST" => Reply::Status(202, "text/plain", Vec::new()),
            None => Reply::Status(405, "text/plain", Vec::new()),
        }
    });
    let two = Two::at(&server);
    let (adas, mallorys) = (two.begin(&two.ada), two.begin(&two.mallory));
    let within = [("mcp-session-id", adas.as_str())];
    let mut stream = two.send("POST", &two.ada, &within, &legacy_call("x"));
    let question = stream.next_event().unwrap().data.unwrap();
    let id = Envelope::of(&question).id.unwrap();
    for id in [id.as_str(), "\"q\""] {
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"action":"accept","content":{{"by":"mallory"}}}}}}"#
        );
        let within = [("mcp-session-id", mallorys.as_str())];
        two.send("POST", &two.mallory, &within, answer.as_bytes())
            .body();
    }
    go.send(()).unwrap();
    stream.next_event();
    assert_eq!(server.heard_with("mallory"), Vec::<Vec<u8>>::new());
}
