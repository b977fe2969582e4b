use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::{Decision, GatewayConfig, OnUnwritten};
use sandgate_message::{Edit, PostDecision, PreDecision, Role};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::{Session, ask_modern, modern};
use crate::house::{self, House, Record, child, http};
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

const DISCOVERED: &str =
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#;

/// Serves on another listener until `calls`, which gets its address, is over, then ends the gateway as the program does.
/// No other task runs between the end and the return.
async fn serve_for(house: &House, calls: impl AsyncFnOnce(SocketAddr)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (served, ()) = tokio::join!(house.gateway.serve(listener, stop.clone()), async {
        calls(at).await;
        stop.cancel();
    });
    served.unwrap();
    house.gateway.close().await;
}

async fn call_tool(at: SocketAddr) -> String {
    let body = modern("1", "tools/call", r#""name":"x","arguments":{}"#);
    let asked = ask_modern(at, "/mcp/s", "tools/call", Some("x"), &body);
    asked.await.message().await
}

#[tokio::test]
async fn a_call_that_the_end_of_the_gateway_cuts_is_recorded_before_the_gateway_has_ended() {
    let (_open, silent) = mpsc::channel(1);
    let silent = Mutex::new(Some(silent));
    let fake = Fake::new(move |got| match got.rpc().as_str() {
        "server/discover" => Says::Json(result(&got.id(), DISCOVERED)),
        _ => Says::Stream(silent.lock().take().unwrap()),
    })
    .await;
    let config = GatewayConfig {
        drain: Duration::from_millis(10),
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    serve_for(&house, async |at| {
        tokio::spawn(call_tool(at));
        while fake.bodies("tools/call").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(house.log.decisions("tools/call"), [Decision::Cancelled]);
}

#[tokio::test]
async fn a_question_that_nobody_answers_before_the_gateway_ends_is_recorded() {
    let asks = r#"{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"mode":"form","message":"who?","requestedSchema":{}}}},"requestState":"s"}"#;
    let fake = Fake::new(move |got| match got.rpc().as_str() {
        "server/discover" => Says::Json(result(&got.id(), DISCOVERED)),
        _ => Says::Json(result(&got.id(), asks)),
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    serve_for(&house, async |at| {
        call_tool(at).await;
        assert_eq!(house.log.decisions("elicitation/create"), []);
    })
    .await;
    let ended = house.log.decisions("elicitation/create");
    assert_eq!(ended, [Decision::Cancelled]);
}
