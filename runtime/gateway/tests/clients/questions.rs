use sandgate_gateway::Decision;
use sandgate_message::{Edit, PostDecision, PreDecision, Role};

use crate::client::Session;
use crate::house::{self, child};
use crate::policy::{after, before, refusal};

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
