use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::Decision;
use sandgate_message::{Edit, PostDecision, PreDecision, Role};
use tokio::sync::{mpsc, watch};

use crate::client::{SOON, Session, data, send};
use crate::house::{self, child, http};
use crate::policy::{after, before_later, refusal};
use crate::server::{Fake, Says, events, result};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;

fn note(text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"data":"{text}"}}}}"#)
}

/// A server whose answer to `tools/call` is a stream that the test writes.
async fn streaming() -> (Fake, mpsc::Receiver<mpsc::Sender<String>>) {
    let (streams, opened) = mpsc::channel(4);
    let fake = Fake::legacy(move |got| {
        if got.rpc() != "tools/call" {
            return Says::JsonAs(200, result(&got.id(), r#"{"tools":[]}"#));
        }
        let (sender, receiver) = mpsc::channel(16);
        streams.try_send(sender).unwrap();
        Says::Stream(receiver)
    })
    .await;
    (fake, opened)
}

#[tokio::test]
async fn events_pass_one_by_one_with_their_ids_and_without_the_servers_comments() {
    let (fake, mut opened) = streaming().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    server
        .send(": keep\nid: e1\nretry: 500\ndata:\n\n".into())
        .await
        .unwrap();
    let first = events.next().await.unwrap();
    assert!(
        !first.contains("keep") && first.contains("id: e1") && first.contains("retry: 500"),
        "{first}"
    );
    server
        .send(format!(
            "event: message\nid: e2\ndata: {}\n\n",
            note("half")
        ))
        .await
        .unwrap();
    let second = events.next().await.unwrap();
    assert!(
        second.contains("id: e2") && data(&second).as_deref() == Some(&*note("half")),
        "{second}"
    );
    server
        .send(format!("data: {}\n\n", result("1", "{ }")))
        .await
        .unwrap();
    assert_eq!(events.message().await, result("1", "{ }"));
    assert_eq!(events.next().await, None);
    assert_eq!(house.log.decisions("tools/call"), [Decision::Forwarded]);
}

#[tokio::test]
async fn an_event_is_held_only_while_it_is_looked_at() {
    let (fake, mut opened) = streaming().await;
    let (go, gone) = watch::channel(false);
    let slow = before_later(&["notifications/message"], move |run| {
        let mut gone = gone.clone();
        async move {
            if run.document.as_str().contains("slow") {
                gone.wait_for(|go| *go).await.unwrap();
            }
            PreDecision::Proceed
        }
    });
    let house = house::gateway(vec![slow], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    for text in ["quick", "slow", "after"] {
        server
            .send(format!("data: {}\n\n", note(text)))
            .await
            .unwrap();
    }
    assert_eq!(events.message().await, note("quick"));
    assert!(
        events.silent().await,
        "an event passed before it was judged"
    );
    go.send(true).unwrap();
    assert_eq!(events.message().await, note("slow"));
    assert_eq!(events.message().await, note("after"));
}

#[tokio::test]
async fn a_refused_notification_is_left_out_and_the_stream_goes_on() {
    let (fake, mut opened) = streaming().await;
    let policy = before_later(&["notifications/message"], |run| async move {
        if run.document.as_str().contains("secret") {
            PreDecision::Refuse(refusal("leak"))
        } else {
            PreDecision::Proceed
        }
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    for text in ["secret", "fine"] {
        server
            .send(format!("data: {}\n\n", note(text)))
            .await
            .unwrap();
    }
    server
        .send(format!("data: {}\n\n", result("1", "{}")))
        .await
        .unwrap();
    assert_eq!(events.message().await, note("fine"));
    assert_eq!(events.message().await, result("1", "{}"));
    assert_eq!(
        house.log.decisions("notifications/message"),
        [Decision::Refused, Decision::Forwarded]
    );
}

#[tokio::test]
async fn a_client_that_goes_away_is_a_cancelled_call() {
    let (fake, mut opened) = streaming().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    server
        .send(format!("data: {}\n\n", note("one")))
        .await
        .unwrap();
    events.message().await;
    drop(events);
    tokio::time::timeout(SOON, server.closed())
        .await
        .expect("the server's stream stayed open");
    house.log.wait_for("tools/call", Decision::Cancelled).await;
}

#[tokio::test]
async fn a_client_that_goes_away_before_any_answer_cancels_too() {
    let waiting = Arc::new(Mutex::new(false));
    let seen = waiting.clone();
    let (fake, _opened) = streaming().await;
    let held = before_later(&["tools/call"], move |_| {
        *seen.lock() = true;
        std::future::pending()
    });
    let house = house::gateway(vec![held], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let asking = tokio::time::timeout(Duration::from_millis(300), session.post(CALL)).await;
    assert!(asking.is_err() && *waiting.lock());
    assert!(fake.bodies("tools/call").is_empty());
}

#[tokio::test]
async fn a_stream_cut_before_the_reply_ends_in_an_error_and_no_partial_event() {
    let (fake, mut opened) = streaming().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    server
        .send(format!("data: {}\n\n", note("whole")))
        .await
        .unwrap();
    server
        .send(r#"data: {"jsonrpc":"2.0","id":1,"result":{"par"#.into())
        .await
        .unwrap();
    drop(server);
    assert_eq!(events.message().await, note("whole"));
    let error: serde_json::Value = serde_json::from_str(&events.message().await).unwrap();
    assert_eq!(
        (error["id"].as_i64(), error["error"]["code"].as_i64()),
        (Some(1), Some(-32000))
    );
    assert_eq!(events.next().await, None);
    assert_eq!(fake.bodies("tools/call").len(), 1, "a call was repeated");
    assert_eq!(house.log.decisions("tools/call"), [Decision::Failed]);
}

#[tokio::test]
async fn the_reply_at_the_end_of_a_stream_passes_the_post_call() {
    let (fake, mut opened) = streaming().await;
    let policy = after(&["tools/call"], Role::Validation, |_| {
        PostDecision::Refuse(refusal("leak"))
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    server
        .send(format!(
            "data: {}\n\n",
            result("1", r#"{"content":[{"type":"text","text":"secret"}]}"#)
        ))
        .await
        .unwrap();
    let said = events.message().await;
    assert!(
        said.contains("withheld") && said.contains("executed") && !said.contains("secret"),
        "{said}"
    );
    assert_eq!(house.log.decisions("tools/call"), [Decision::Refused]);
}

#[tokio::test]
async fn a_reply_to_nothing_does_not_pass() {
    let (fake, mut opened) = streaming().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    server
        .send(format!("data: {}\n\n", result("99", r#""smuggled""#)))
        .await
        .unwrap();
    let said = events.message().await;
    assert!(
        said.contains("-32000") && !said.contains("smuggled"),
        "{said}"
    );
}

#[tokio::test]
async fn a_child_that_dies_mid_call_is_an_error_to_that_call_alone() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let (one, other) = (
        Session::begin(house.at, "/mcp/s").await,
        Session::begin(house.at, "/mcp/s").await,
    );
    let said = one.ask(r#"{"jsonrpc":"2.0","id":5,"method":"die"}"#).await;
    let error: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (error["id"].as_i64(), error["error"]["code"].as_i64()),
        (Some(5), Some(-32000)),
        "{said}"
    );
    assert!(
        other
            .ask(r#"{"jsonrpc":"2.0","id":6,"method":"echo"}"#)
            .await
            .contains(r#""got""#)
    );
    assert_eq!(house.log.decisions("die"), [Decision::Failed]);
}

/// The server ends the stream before its reply; the client comes back for it, and the reply passes the policies.
#[tokio::test]
async fn a_reply_that_is_fetched_later_passes_the_policies_too() {
    let fake = Fake::legacy(
        |got| match (got.method.as_str(), got.header("last-event-id")) {
            ("GET", Some("e1")) => events(&[format!(
                "id: e2\ndata: {}\n\n",
                result("1", r#"{"content":"secret"}"#)
            )]),
            ("GET", _) => Says::Text(405, "no"),
            _ => events(&["id: e1\nretry: 10\ndata:\n\n".to_owned()]),
        },
    )
    .await;
    let mask = after(&["tools/call"], Role::Mutation, |_| {
        PostDecision::Edit(vec![Edit::Set("/content".into(), r#""masked""#.into())])
    });
    let house = house::gateway(vec![mask], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut first = session.post(CALL).await.events();
    assert!(first.next().await.unwrap().contains("id: e1"));
    assert_eq!(first.next().await, None);
    let headers = [
        ("accept", "text/event-stream"),
        ("mcp-session-id", &*session.id),
        ("last-event-id", "e1"),
    ];
    let mut again = send(house.at, "GET", "/mcp/s", &headers, b"")
        .await
        .events();
    assert_eq!(
        again.message().await,
        result("1", r#"{"content":"masked"}"#)
    );
    assert_eq!(house.log.decisions("tools/call"), [Decision::Forwarded]);
}

/// A policy sees each event whole, however it comes, and each by itself: what a server spreads over two is out of reach.
#[tokio::test]
async fn a_secret_cut_within_an_event_is_seen_and_one_cut_between_events_is_not() {
    let (fake, mut opened) = streaming().await;
    let policy = before_later(&["notifications/message"], |run| async move {
        if run.document.as_str().contains("secret") {
            PreDecision::Refuse(refusal("leak"))
        } else {
            PreDecision::Proceed
        }
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut events = session.post(CALL).await.events();
    let server = opened.recv().await.unwrap();
    let whole = format!("data: {}\n\n", note("a secret here"));
    let (start, end) = whole.split_at(whole.find("cret").unwrap());
    for piece in [start.to_owned(), end.to_owned()] {
        server.send(piece).await.unwrap();
    }
    for half in ["sec", "ret"] {
        server
            .send(format!("data: {}\n\n", note(half)))
            .await
            .unwrap();
    }
    server
        .send(format!("data: {}\n\n", result("1", "{}")))
        .await
        .unwrap();
    assert_eq!(events.message().await, note("sec"));
    assert_eq!(events.message().await, note("ret"));
    assert_eq!(events.message().await, result("1", "{}"));
    assert_eq!(
        house.log.decisions("notifications/message"),
        [Decision::Refused, Decision::Forwarded, Decision::Forwarded]
    );
}

/// An id is whatever JSON-RPC allows, and comes back as it was spelt; two of one value at a time are refused.
#[tokio::test]
async fn ids_are_kept_as_they_are_spelt_and_used_once_at_a_time() {
    let (fake, mut opened) = streaming().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let call = |id: &str| CALL.replace(r#""id":1"#, &format!(r#""id":{id}"#));
    for id in ["1.0", "-7", "\"\\u0041\"", "9007199254740993"] {
        let (said, ()) = tokio::join!(
            async { session.post(&call(id)).await.events().message().await },
            async {
                let server = opened.recv().await.unwrap();
                let again = session.post(&call(id)).await;
                assert_eq!(again.status, 400, "{id} twice");
                server
                    .send(format!("data: {}\n\n", result(id, "{}")))
                    .await
                    .unwrap();
            }
        );
        assert_eq!(said, result(id, "{}"));
    }
    assert_eq!(fake.bodies("tools/call").len(), 4);
}

/// Nobody judges what is no message: a client learns that there is no stream, and not in the server's words.
#[tokio::test]
async fn what_a_server_says_of_having_no_stream_is_not_passed_on() {
    let fake = Fake::legacy(|got| match got.method.as_str() {
        "GET" => Says::Text(405, "a secret"),
        _ => Says::Accepted,
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let refused = session.get().await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.body().await, "");
}
