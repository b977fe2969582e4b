use std::sync::atomic::Ordering;

use sandgate_gateway::{Decision, GatewayConfig, OnUnwritten};
use sandgate_message::{Edit, PostDecision, PreDecision, Role};

use crate::client::Session;
use crate::house::{self, Record, child, http};
use crate::policy::{after, before};
use crate::server::{Fake, Says, result};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"secret"}}}"#;

async fn answering() -> Fake {
    Fake::legacy(|got| Says::Json(result(&got.id(), r#"{"content":"secret"}"#))).await
}

#[tokio::test]
async fn a_call_has_a_record_before_it_is_forwarded_and_one_when_it_ends() {
    let fake = answering().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    let records = house.log.records.lock().clone();
    let [
        ..,
        Record::Forwarded {
            id, target, server, ..
        },
        Record::Ended {
            id: same,
            decision,
            version,
            ..
        },
    ] = &records[..]
    else {
        panic!("{records:?}")
    };
    assert_eq!(
        (id, target.as_deref(), server.as_str()),
        (same, Some("x"), "s")
    );
    assert_eq!((*decision, *version), (Decision::Forwarded, 1));
}

#[tokio::test]
async fn payloads_are_recorded_as_they_are_after_the_policies() {
    let fake = answering().await;
    let ask = before(&["tools/call"], Role::Mutation, |_| {
        PreDecision::Edit(vec![Edit::Set("/arguments/a".into(), r#""masked""#.into())])
    });
    let answer = after(&["tools/call"], Role::Mutation, |_| {
        PostDecision::Edit(vec![Edit::Set("/content".into(), r#""masked""#.into())])
    });
    let house = house::gateway(vec![ask, answer], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    assert!(!format!("{:?}", house.log.records.lock()).contains("secret"));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_forwarded() {
    let fake = answering().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    house.log.full.store(true, Ordering::SeqCst);
    let said = session.ask(CALL).await;
    assert!(
        said.contains("cannot record") && said.contains("not-sent"),
        "{said}"
    );
    assert!(fake.bodies("tools/call").is_empty());
    house.log.full.store(false, Ordering::SeqCst);
    assert!(session.ask(CALL).await.contains("secret"));
}

#[tokio::test]
async fn a_reply_whose_record_cannot_be_written_is_withheld() {
    let fake = answering().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    house.log.full_at_end.store(true, Ordering::SeqCst);
    let said = session.ask(CALL).await;
    assert!(
        said.contains("Do not retry") && said.contains("executed") && !said.contains("secret"),
        "{said}"
    );
    assert_eq!(fake.bodies("tools/call").len(), 1);
}

#[tokio::test]
async fn where_the_policy_says_so_calls_go_on_without_records() {
    let fake = answering().await;
    let config = GatewayConfig {
        on_unwritten: OnUnwritten::Continue,
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    house.log.full.store(true, Ordering::SeqCst);
    assert!(session.ask(CALL).await.contains("secret"));
}

#[tokio::test]
async fn an_interceptors_answer_is_recorded_as_such_and_nothing_is_forwarded() {
    let fake = answering().await;
    let policy = before(&["tools/call"], Role::Mutation, |run| {
        PreDecision::Answer(run.document.clone())
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    assert_eq!(
        (
            house.log.decisions("tools/call"),
            house.log.forwarded("tools/call")
        ),
        (vec![Decision::Answered], 0)
    );
    assert!(fake.bodies("tools/call").is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_recorded_too() {
    let fake = answering().await;
    let mut url = fake.url();
    url.push_str("/nobody");
    let house = house::gateway(
        vec![],
        vec![
            child("s", "{}"),
            house::server(
                "gone",
                sandgate_gateway::Transport::Stdio {
                    command: "no-such-program-here".into(),
                    args: vec![],
                    env: vec![],
                    cwd: None,
                },
            ),
        ],
    )
    .await;
    let response = crate::client::send(
        house.at,
        "POST",
        "/mcp/gone",
        crate::client::PLAIN,
        crate::client::INITIALIZE.as_bytes(),
    )
    .await;
    let said = response.message().await;
    assert!(
        !said.contains("no-such-program-here") && said.contains("not-sent"),
        "{said}"
    );
    assert_eq!(house.log.decisions("initialize"), [Decision::Failed]);
}
