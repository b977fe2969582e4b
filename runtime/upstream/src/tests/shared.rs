//! One child for many modern conversations.

use futures_util::StreamExt;

use super::*;

async fn two() -> (Arc<Server>, Arc<Conversation>, Arc<Conversation>) {
    let (server, one) = open(python("modern"), Era::Modern).await;
    let two = server
        .converse(Era::Modern, &Asker::default())
        .await
        .unwrap();
    (server, one, two)
}

#[tokio::test]
async fn equal_ids_of_two_callers_do_not_meet() {
    let (_server, one, two) = two().await;
    let slow = call("1", "late", r#"{"seconds":0.5}"#);
    let quick = call("1", "echo", r#"{"who":"two"}"#);
    let (slow, quick) = tokio::join!(reply(&one, &slow), reply(&two, &quick));
    assert_eq!(
        slow,
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {}})
    );
    assert_eq!(quick["id"], 1);
    let line: Value = serde_json::from_str(quick["result"]["line"].as_str().unwrap()).unwrap();
    assert_eq!(line["params"]["who"], "two");
    assert_ne!(line["id"], 1);
}

#[tokio::test]
async fn both_callers_are_on_one_child_and_it_is_the_one_that_was_probed() {
    let (_server, one, two) = two().await;
    let (a, b) = (
        reply(&one, &call("1", "echo", "{}")).await,
        reply(&two, &call("1", "echo", "{}")).await,
    );
    assert_eq!(a["result"]["pid"], b["result"]["pid"]);
    let seen = reply(&one, &call("2", "seen", "{}")).await;
    assert!(
        seen["result"]["lines"][0]
            .as_str()
            .unwrap()
            .contains("server/discover")
    );
}

#[tokio::test]
async fn ids_and_tokens_come_back_in_the_callers_own_spelling() {
    let (_server, one, two) = two().await;
    let ask_one = call(
        r#""\u0041""#,
        "progress",
        r#"{"_meta":{"progressToken":"t\u00e9"},"n":1.0}"#,
    );
    let ask_two = call("1.0", "progress", r#"{"_meta":{"progressToken":7.0}}"#);
    let (answer_one, answer_two) = tokio::join!(ask(&one, &ask_one), ask(&two, &ask_two));
    for (answer, id, token) in [
        (answer_one, r#""\u0041""#, r#""t\u00e9""#),
        (answer_two, "1.0", "7.0"),
    ] {
        let mut events = stream(answer.unwrap());
        for _ in 0..2 {
            let progress = events.next().await.unwrap().unwrap().message.unwrap();
            assert_eq!(
                progress.payload().get("progressToken").unwrap().as_str(),
                token
            );
        }
        let last = events.next().await.unwrap().unwrap().message.unwrap();
        assert_eq!(last.id().unwrap().as_str(), id);
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_dropped_request_is_cancelled_under_the_id_that_the_server_knows() {
    let (_server, one, two) = two().await;
    let late = call("1", "late", r#"{"seconds":0.4}"#);
    let given_up = tokio::time::timeout(Duration::from_millis(200), ask(&one, &late)).await;
    assert!(given_up.is_err());
    let lines = reply(&two, &call("1", "seen", "{}")).await["result"]["lines"].clone();
    let lines: Vec<Value> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|l| serde_json::from_str(l.as_str().unwrap()).unwrap())
        .collect();
    let sent = lines.iter().find(|line| line["method"] == "late").unwrap();
    let cancelled = lines
        .iter()
        .find(|line| line["method"] == "notifications/cancelled")
        .unwrap();
    assert_eq!(sent["id"], cancelled["params"]["requestId"]);
    // The reply that comes all the same disturbs nobody.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(reply(&one, &call("1", "echo", "{}")).await["id"], 1);
}

#[tokio::test]
async fn a_cancellation_names_the_request_as_the_server_knows_it_and_only_the_callers_own() {
    let (_server, one, two) = two().await;
    let late = call("1", "late", r#"{"seconds":60}"#);
    let cancel = note("notifications/cancelled", r#"{"requestId":1,"reason":"r"}"#);
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Another's request 1 is not this one's.
        two.send(&cancel, &HeaderMap::new()).await.unwrap();
        one.send(&cancel, &HeaderMap::new()).await.unwrap();
    };
    let (cancelled, ()) = tokio::join!(ask(&one, &late), cancelling);
    assert!(matches!(
        cancelled.unwrap_err(),
        ServerError::Cancelled { .. }
    ));
    let seen = reply(&two, &call("1", "seen", "{}")).await["result"]["lines"].clone();
    let cancellations = seen
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line.as_str().unwrap().contains("cancelled"));
    let lines: Vec<&Value> = cancellations.collect();
    assert_eq!(lines.len(), 1, "{seen}");
    assert!(lines[0].as_str().unwrap().contains(r#""reason":"r""#));
}

#[tokio::test]
async fn the_next_request_after_a_death_starts_the_server_again() {
    let (_server, one, two) = two().await;
    assert!(matches!(
        ask(&one, &call("1", "exit", "{}")).await.unwrap_err(),
        ServerError::Exited { .. }
    ));
    reply(&two, &call("1", "echo", "{}")).await;
    reply(&one, &call("2", "echo", "{}")).await;
}

#[tokio::test]
async fn who_does_not_read_holds_nobody_up_for_long() {
    let (_server, one, two) = two().await;
    let flood = call(
        "1",
        "flood",
        r#"{"count":2000,"_meta":{"progressToken":1}}"#,
    );
    let mut unread = stream(ask(&one, &flood).await.unwrap());
    let began = std::time::Instant::now();
    reply(&two, &call("1", "echo", "{}")).await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    // The reader that was behind is told so.
    let mut last = None;
    while let Some(event) = unread.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(Err(ServerError::Unread { .. }))));
}

#[tokio::test]
async fn who_reads_gets_a_flood_whole() {
    let (_server, one, _two) = two().await;
    let flood = call(
        "1",
        "flood",
        r#"{"count":2000,"_meta":{"progressToken":1}}"#,
    );
    assert_eq!(
        all(stream(ask(&one, &flood).await.unwrap())).await.len(),
        2001
    );
}

#[tokio::test]
async fn messages_that_name_no_request_reach_nobody_and_log_messages_only_who_asked_alone() {
    let (_server, one, two) = two().await;
    let quiet =
        r#"{"methods":["notifications/message","notifications/odd","notifications/progress"]}"#;
    only(ask(&one, &call("1", "notify", quiet)).await.unwrap());
    let wanting = r#"{"methods":["notifications/message"],"_meta":{"io.modelcontextprotocol/logLevel":"info"}}"#;
    assert_eq!(
        all(stream(
            ask(&one, &call("2", "notify", wanting)).await.unwrap()
        ))
        .await
        .len(),
        2
    );
    let late = call(
        "1",
        "late",
        r#"{"seconds":1,"_meta":{"io.modelcontextprotocol/logLevel":"info"}}"#,
    );
    let (_, alone) = tokio::join!(ask(&two, &late), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ask(&one, &call("3", "notify", wanting)).await
    });
    only(alone.unwrap());
}

#[tokio::test]
async fn subscriptions_are_told_apart_and_end_without_failure_when_the_server_ends_them() {
    let (_server, one, two) = two().await;
    let mut a = stream(
        ask(&one, &call("5", "subscriptions/listen", "{}"))
            .await
            .unwrap(),
    );
    let mut b = stream(
        ask(&two, &call(r#""b""#, "subscriptions/listen", "{}"))
            .await
            .unwrap(),
    );
    reply(&one, &call("6", "tools/list", "{}")).await;
    assert!(one.definitions().get("tools/call", "a").is_some());
    for (events, id) in [(&mut a, Value::from(5)), (&mut b, Value::from("b"))] {
        let first = next(events).await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(
            first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            id
        );
    }
    reply(&one, &call("7", "poke", "{}")).await;
    for (events, id) in [(&mut a, Value::from(5)), (&mut b, Value::from("b"))] {
        let changed = next(events).await;
        assert_eq!(changed["method"], "notifications/tools/list_changed");
        assert_eq!(
            changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            id
        );
    }
    assert!(one.definitions().get("tools/call", "a").is_none());
    reply(&one, &call("8", "end-subscriptions", "{}")).await;
    for (mut events, id) in [(a, Value::from(5)), (b, Value::from("b"))] {
        assert_eq!(next(&mut events).await["params"]["requestId"], id);
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn listening_is_not_the_modern_way() {
    let (_server, one, _two) = two().await;
    assert_eq!(one.listen(&HeaderMap::new()).await.unwrap().status, 405);
}
