use sandgate_gateway::Decision;
use sandgate_message::{Edit, PostDecision, PreDecision, Role};

use crate::client::Session;
use crate::house::{self, child, http};
use crate::policy::{after, before, refusal};
use crate::server::{Fake, Says};
use tokio::sync::mpsc;

const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ask"}"#;

/// The question comes on the GET stream: the child's requests belong to none of the client's.
#[tokio::test]
async fn a_server_asks_the_client_and_gets_its_answer() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut heard = session.get().await.events();
    let (asked, question) = tokio::join!(session.ask(ASK), async {
        let question = heard.message().await;
        let answer = r#"{"jsonrpc":"2.0","id":"q1","result":{"text":"yes"}}"#;
        assert_eq!(session.post(answer).await.status, 202);
        assert_eq!(session.post(answer).await.status, 400, "answered twice");
        question
    });
    assert_eq!(
        question,
        r#"{"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{"text":"please"}}"#
    );
    assert_eq!(
        asked,
        r#"{"jsonrpc":"2.0","id":1,"result":{"answered":{"text": "yes"}}}"#
    );
    assert_eq!(
        house.log.decisions("sampling/createMessage"),
        [Decision::Forwarded]
    );
}

#[tokio::test]
async fn a_question_and_its_answer_pass_the_policies() {
    let ask = before(&["sampling/createMessage"], Role::Mutation, |_| {
        PreDecision::Edit(vec![Edit::Set("/text".into(), r#""edited""#.into())])
    });
    let answer = after(&["sampling/createMessage"], Role::Mutation, |_| {
        PostDecision::Edit(vec![Edit::Set("/text".into(), r#""masked""#.into())])
    });
    let house = house::gateway(vec![ask, answer], vec![child("s", "{}")]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut heard = session.get().await.events();
    let (asked, question) = tokio::join!(session.ask(ASK), async {
        let question = heard.message().await;
        session
            .post(r#"{"jsonrpc":"2.0","id":"q1","result":{"text":"secret"}}"#)
            .await;
        question
    });
    assert!(question.contains(r#"{"text":"edited"}"#), "{question}");
    assert!(
        asked.contains("masked") && !asked.contains("secret"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_refused_question_is_answered_to_the_server_and_never_reaches_the_client() {
    let policy = before(&["sampling/createMessage"], Role::Validation, |_| {
        PreDecision::Refuse(refusal("no-sampling"))
    });
    let house = house::gateway(vec![policy], vec![child("s", "{}")]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut heard = session.get().await.events();
    let asked = session.ask(ASK).await;
    assert!(asked.contains("no-sampling"), "{asked}");
    assert!(heard.silent().await);
}

#[tokio::test]
async fn an_answer_to_no_question_is_refused() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    for answer in [
        r#"{"jsonrpc":"2.0","id":"q1","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
    ] {
        assert_eq!(session.post(answer).await.status, 400);
    }
}

/// A server that asks on the stream of a call, and what the test says there.
async fn on_a_stream() -> (Fake, mpsc::Sender<String>) {
    let (sender, receiver) = mpsc::channel(8);
    let receiver = parking_lot::Mutex::new(Some(receiver));
    let fake = Fake::legacy(move |got| match got.rpc().as_str() {
        "tools/call" => Says::Stream(receiver.lock().take().unwrap()),
        _ => Says::Accepted,
    })
    .await;
    (fake, sender)
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"one__t"}}"#;

#[tokio::test]
async fn on_the_merged_endpoint_a_question_is_taken_back_under_the_id_that_the_client_knows() {
    let (fake, server) = on_a_stream().await;
    let house = house::gateway(vec![], vec![http("one", &fake)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let mut heard = session.post(CALL).await.events();
    let say = async |text: &str| server.send(format!("data: {text}\n\n")).await.unwrap();
    say(r#"{"jsonrpc":"2.0","id":"q1","method":"roots/list"}"#).await;
    let question: serde_json::Value = serde_json::from_str(&heard.message().await).unwrap();
    let id = question["id"].clone();
    assert!(id.is_number(), "{question}");
    say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q1","reason":"late"}}"#).await;
    assert_eq!(
        heard.message().await,
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"late"}}}}"#
        )
    );
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
    assert_eq!(session.post(&answer).await.status, 400);
    assert_eq!(house.log.decisions("roots/list"), [Decision::Cancelled]);
}

#[tokio::test]
async fn an_error_for_an_answer_passes_the_policies_data_and_all() {
    let (fake, server) = on_a_stream().await;
    let policy = after(&["elicitation/create"], Role::Mutation, |run| {
        assert!(run.failed);
        PostDecision::Edit(vec![Edit::Set("/data/why".into(), r#""masked""#.into())])
    });
    let house = house::gateway(vec![policy], vec![http("one", &fake)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let mut heard = session.post(CALL).await.events();
    let text = r#"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{}}"#;
    server.send(format!("data: {text}\n\n")).await.unwrap();
    let question: serde_json::Value = serde_json::from_str(&heard.message().await).unwrap();
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no","data":{{"why":"secret"}}}}}}"#,
        question["id"]
    );
    assert_eq!(session.post(&answer).await.status, 202);
    let got = fake.got.lock().last().unwrap().body.clone();
    assert_eq!(
        got,
        r#"{"jsonrpc":"2.0","id":"q1","error":{"code":-1,"message":"no","data":{"why":"masked"}}}"#
    );
}
