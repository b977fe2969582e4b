//! Bytes that nobody changed leave as they came, over every pair of transports, in both directions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sandgate_gateway::Endpoint;
use sandgate_message::{Edit, PostDecision, Role};

use crate::client::Session;
use crate::house::{self, House, child, http};
use crate::line::Line;
use crate::policy::{after, after_in_audit};
use crate::server::{Fake, Says, result};

/// Requests that are odd and valid. `ID` stands for an id of the test's.
const ODD: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"x","arguments":{"z":1,"a":2,"m":[]}}}"#,
    r#"{"method":"odd/method","params":{"unknown":{"deep":[1.0,1e400,-0,12345678901234567890]},"_meta":{"x.y/z":null}},"extra":true,"id":ID,"jsonrpc":"2.0"}"#,
    r#"{ "jsonrpc" : "2.0" , "id" : ID , "method":"white/space",  "params" : {	"tab" : "a b" } }"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"escapes","params":{"s":"\u00e9\/\ud83d\ude00\u0000é😀"}}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"no/params"}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"nested/params","params":{"list":[1,[2,{"3":4}]]}}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"e\u0063ho","params":{"":"empty key"," ":{}}}"#,
];
const IDS: &[&str] = &[
    "7",
    "\"a-1\"",
    "9007199254740993",
    "\"\\u00e9\\n\"",
    "-3",
    "\"\"",
];
/// A result that is odd and valid.
const RESULT: &str = r#"{ "z":1.0, "a" : 1e400,"s":"\u00e9\/😀", "structuredContent":[null,-0], "_meta":{"k":{}},"big":123456789012345678901234567890 }"#;

enum Client {
    Http(Session),
    Line(Box<Line>),
}

impl Client {
    async fn all(house: &House) -> [Self; 2] {
        let line = Line::begin(house, Endpoint::Server("s".into())).await;
        [
            Self::Http(Session::begin(house.at, "/mcp/s").await),
            Self::Line(Box::new(line)),
        ]
    }
    async fn ask(&mut self, text: &str) -> String {
        match self {
            Self::Http(session) => session.ask(text).await,
            Self::Line(line) => line.ask(text).await,
        }
    }
}

fn corpus() -> impl Iterator<Item = String> {
    ODD.iter()
        .flat_map(|odd| IDS.iter().map(|id| odd.replace("ID", id)))
}

fn id_of(request: &str) -> String {
    IDS.iter()
        .find(|id| {
            request.contains(&format!(r#""id":{id}"#))
                || request.contains(&format!(r#""id" : {id}"#))
        })
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn messages_arrive_byte_for_byte_at_an_http_server_and_back() {
    for streamed in [false, true] {
        let fake = Fake::legacy(move |got| {
            let reply = result(&id_of(&got.body), RESULT);
            if streamed {
                crate::server::events(&[format!("data: {reply}\n\n")])
            } else {
                Says::Json(reply)
            }
        })
        .await;
        let house = house::gateway(vec![], vec![http("s", &fake)]).await;
        for mut client in Client::all(&house).await {
            for request in corpus() {
                let said = client.ask(&request).await;
                assert_eq!(said, result(&id_of(&request), RESULT));
                assert_eq!(fake.got.lock().last().unwrap().body, request);
            }
        }
    }
}

#[tokio::test]
async fn messages_arrive_byte_for_byte_at_a_child_and_back() {
    let house = house::gateway(vec![], vec![child("s", RESULT)]).await;
    for mut client in Client::all(&house).await {
        for request in corpus() {
            let said = client.ask(&request).await;
            let got = said
                .split(r#""got":""#)
                .nth(1)
                .unwrap_or_else(|| panic!("{said}"))
                .split('"')
                .next()
                .unwrap();
            assert_eq!(
                String::from_utf8(STANDARD.decode(got).unwrap()).unwrap(),
                request
            );
            assert!(
                said.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{},"#, id_of(&request))),
                "{said}"
            );
        }
        let said = client
            .ask(r#"{"jsonrpc":"2.0","id":1,"method":"verbatim"}"#)
            .await;
        assert_eq!(said, result("1", RESULT));
    }
}

#[tokio::test]
async fn line_breaks_between_tokens_go_only_where_the_framing_forbids_them() {
    let reply = |id: &str| result(id, "{\n  \"a\": \"x\\ny\"\r\n}");
    let fake = Fake::legacy(move |got| Says::Json(reply(&got.id()))).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let request = "{\r\n  \"jsonrpc\": \"2.0\",\n \"id\": 7, \"method\": \"x\"\n}";
    let session = Session::begin(house.at, "/mcp/s").await;
    assert_eq!(session.ask(request).await, reply("7"));
    assert_eq!(fake.got.lock().last().unwrap().body, request);
    let mut line = Line::begin(&house, Endpoint::Server("s".into())).await;
    assert_eq!(
        line.ask(r#"{"jsonrpc":"2.0","id":7,"method":"x"}"#).await,
        reply("7").replace(['\n', '\r'], "")
    );
}

#[tokio::test]
async fn after_one_edit_only_that_value_differs() {
    let fake = Fake::legacy(|got| Says::Json(result(&id_of(&got.body), RESULT))).await;
    let edit = after(&["tools/call"], Role::Mutation, |_| {
        PostDecision::Edit(vec![Edit::Set("/s".into(), r#""masked""#.into())])
    });
    let house = house::gateway(vec![edit], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let said = session.ask(&ODD[0].replace("ID", "7")).await;
    assert_eq!(
        said,
        result("7", &RESULT.replace(r#""\u00e9\/😀""#, r#""masked""#))
    );
}

#[tokio::test]
async fn with_an_interceptor_in_audit_the_bytes_are_those_of_an_empty_pipeline() {
    let fake = Fake::legacy(|got| Says::Json(result(&id_of(&got.body), RESULT))).await;
    let audit = after_in_audit(&["*"], |_| {
        PostDecision::Edit(vec![Edit::Remove("/s".into())])
    });
    let house = house::gateway(vec![audit], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    for request in corpus() {
        assert_eq!(
            session.ask(&request).await,
            result(&id_of(&request), RESULT)
        );
        let got = fake
            .got
            .lock()
            .iter()
            .rfind(|got| !got.rpc().ends_with("/list"))
            .unwrap()
            .body
            .clone();
        assert_eq!(got, request);
    }
}
