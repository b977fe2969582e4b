use std::time::Duration;

use sandgate_gateway::GatewayConfig;

use crate::client::{INITIALIZE, PLAIN, Session, send};
use crate::house::{self, Record, http};
use crate::server::{Fake, Says, result};

async fn echoing() -> Fake {
    Fake::legacy(|got| Says::Json(result(&got.id(), "{}"))).await
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    assert!(session.hello.contains(r#""name":"fake""#));
    assert_eq!(session.ask(PING).await, result("1", "{}"));
    assert_eq!(session.delete().await.status, 200);
    assert_eq!(session.post(PING).await.status, 404);
    assert_eq!(session.delete().await.status, 404);
}

#[tokio::test]
async fn a_session_is_known_only_where_it_began() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake), http("t", &fake)]).await;
    let mut session = Session::begin(house.at, "/mcp/s").await;
    session.path = "/mcp/t".into();
    assert_eq!(session.post(PING).await.status, 404);
    session.path = "/mcp".into();
    assert_eq!(session.post(PING).await.status, 404);
    session.path = "/mcp/s".into();
    session.id = "0".repeat(64);
    assert_eq!(session.post(PING).await.status, 404);
}

#[tokio::test]
async fn a_legacy_message_without_a_session_is_refused() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    assert_eq!(
        send(house.at, "POST", "/mcp/s", PLAIN, PING.as_bytes())
            .await
            .status,
        400
    );
    assert_eq!(
        send(
            house.at,
            "GET",
            "/mcp/s",
            &[("accept", "text/event-stream")],
            b""
        )
        .await
        .status,
        405
    );
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn the_log_never_bears_the_session_id_of_the_wire() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(PING).await;
    let records = house.log.records.lock();
    assert!(!format!("{records:?}").contains(&session.id));
    let pseudonyms: Vec<_> = records
        .iter()
        .filter_map(|r| match r {
            Record::Ended { session, .. } => Some(session.clone().expect("a pseudonym")),
            Record::Forwarded { .. } => None,
        })
        .collect();
    assert!(pseudonyms.len() >= 2 && pseudonyms.iter().all(|p| *p == pseudonyms[0]));
}

#[tokio::test]
async fn there_are_as_many_sessions_as_allowed() {
    let fake = echoing().await;
    let config = GatewayConfig {
        max_sessions: 1,
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    assert_eq!(
        send(house.at, "POST", "/mcp/s", PLAIN, INITIALIZE.as_bytes())
            .await
            .status,
        503
    );
    session.delete().await;
    Session::begin(house.at, "/mcp/s").await;
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let fake = echoing().await;
    let config = GatewayConfig {
        session_idle: Duration::from_millis(50),
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(session.post(PING).await.status, 404);
}

#[tokio::test]
async fn a_session_ends_soon_after_its_client_has_gone() {
    let fake = echoing().await;
    let config = GatewayConfig {
        session_gone: Duration::from_millis(300),
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    let (silent, gone, back) = (
        Session::begin(house.at, "/mcp").await,
        Session::begin(house.at, "/mcp").await,
        Session::begin(house.at, "/mcp").await,
    );
    drop(gone.get().await);
    drop(back.get().await);
    let listens = back.get().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(gone.post(PING).await.status, 404);
    // One that never listened may be idle for longer, and one that listens again is there.
    assert_eq!(silent.post(PING).await.status, 200);
    assert_eq!(back.post(PING).await.status, 200);
    drop(listens);
}

#[tokio::test]
async fn an_initialize_that_fails_begins_no_session() {
    let fake = Fake::new(|got| {
        Says::Json(format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32602,"message":"no"}}}}"#,
            got.id()
        ))
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let response = send(house.at, "POST", "/mcp/s", PLAIN, INITIALIZE.as_bytes()).await;
    assert_eq!(response.header("mcp-session-id"), None);
    assert!(response.body().await.contains("-32602"));
}

#[tokio::test]
async fn one_id_is_not_used_twice_at_once() {
    let (open, opened) = tokio::sync::watch::channel(false);
    let fake = {
        Fake::legacy(move |got| {
            let (id, mut opened) = (got.id(), opened.clone());
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move {
                opened.wait_for(|open| *open).await.unwrap();
                sender
                    .send(format!("data: {}\n\n", result(&id, "{}")))
                    .await
                    .unwrap();
            });
            Says::Stream(receiver)
        })
        .await
    };
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let first = session.post(PING).await;
    let second = session.post(PING).await;
    assert_eq!(second.status, 400);
    assert!(second.body().await.contains("use another id"));
    open.send(true).unwrap();
    assert_eq!(first.message().await, result("1", "{}"));
    assert_eq!(session.ask(PING).await, result("1", "{}"));
}

#[tokio::test]
async fn calls_under_way_finish_when_the_gateway_stops() {
    let fake = Fake::legacy(|got| {
        let id = got.id();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = sender
                .send(format!("data: {}\n\n", result(&id, "{}")))
                .await;
        });
        Says::Stream(receiver)
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let under_way = session.post(PING).await;
    house.stop.cancel();
    assert_eq!(under_way.message().await, result("1", "{}"));
    assert!(tokio::net::TcpStream::connect(house.at).await.is_err());
}
