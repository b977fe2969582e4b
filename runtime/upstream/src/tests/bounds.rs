//! How much of a server is used at a time, and what is seen of how it is.

use super::*;

#[tokio::test]
async fn requests_beyond_the_bound_wait_and_then_are_refused() {
    let mut config = python("legacy");
    config.max_concurrent = 1;
    config.connect_timeout = Duration::from_millis(300);
    let (server, conversation) = open(config, Era::Legacy).await;
    until(async || ask(&conversation, &call("0", "echo", "{}")).await.is_ok()).await;
    let long = call("1", "late", r#"{"seconds":60}"#);
    let (held, other) = (conversation.clone(), conversation.clone());
    let first = tokio::spawn(async move { ask(&held, &long).await });
    until(async || server.health().under_way == 1).await;
    let error = ask(&other, &call("2", "echo", "{}")).await.unwrap_err();
    assert!(
        matches!(error, ServerError::Busy { limit: 1, .. }),
        "{error}"
    );
    // One that waits gets the place as soon as it is free.
    let next = tokio::spawn(async move { ask(&other, &call("3", "echo", "{}")).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.abort();
    assert!(next.await.unwrap().is_ok());
    until(async || server.health().under_way == 0).await;
}

#[tokio::test]
async fn a_stream_keeps_its_place_until_it_is_dropped() {
    let mut config = python("legacy");
    config.max_concurrent = 1;
    config.connect_timeout = Duration::from_millis(200);
    let (server, conversation) = open(config, Era::Legacy).await;
    until(async || ask(&conversation, &call("0", "echo", "{}")).await.is_ok()).await;
    let lines = serde_json::json!({ "lines": [r#"{"jsonrpc":"2.0","method":"notifications/x"}"#] });
    let asked = ask(&conversation, &call("1", "raw", &lines.to_string())).await;
    let streaming = stream(asked.unwrap());
    assert_eq!(server.health().under_way, 1);
    drop(streaming);
    assert_eq!(server.health().under_way, 0);
}

#[tokio::test]
async fn there_are_as_many_children_as_allowed() {
    let mut config = python("legacy");
    config.max_children = 1;
    let (server, first) = open(config, Era::Legacy).await;
    assert_eq!(server.health().children, 1);
    let error = server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServerError::Crowded { limit: 1, .. }),
        "{error}"
    );
    first.close().await;
    until(async || server.health().children == 0).await;
    server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn health_says_what_failed_since_when_until_it_answers_again() {
    let (server, conversation) = open(python("legacy"), Era::Legacy).await;
    reply(&conversation, &call("1", "echo", "{}")).await;
    assert_eq!(server.health().last_failure, None);
    let error = ask(&conversation, &call("2", "exit", "{}"))
        .await
        .unwrap_err();
    let health = server.health();
    assert!(health.failing_since.is_some());
    let failure = health.last_failure.unwrap();
    assert_eq!(failure.what, error.detail());
    let again = server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap();
    reply(&again, &call("1", "echo", "{}")).await;
    let health = server.health();
    assert_eq!(
        (health.failing_since, health.last_failure.is_some()),
        (None, true)
    );
}
