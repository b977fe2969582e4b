//! Clients that are known by their keys, and what one of them cannot do to another.

use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_gateway::{ClientKey, Clients, Endpoint, GatewayConfig, Server};
use sandgate_message::{PreDecision, Role};
use sandgate_pipeline::Step;
use sha2::{Digest, Sha256};

use crate::client::{INITIALIZE, PLAIN, Session, modern, send};
use crate::house::{self, House, http};
use crate::line::Line;
use crate::policy::before;
use crate::server::{Fake, Says, result};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}"#;

/// A caller's name and groups.
type Seen = (Option<String>, Vec<String>);

fn key(name: &str, groups: &[&str]) -> ClientKey {
    ClientKey {
        name: name.into(),
        token_sha256: Some(Sha256::digest(format!("key-of-{name}")).into()),
        previous: None,
        certificate: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        rate: None,
    }
}

/// Streams that stay open to whoever listens, answers for the rest.
async fn answering() -> Fake {
    Fake::legacy(|got| match got.method.as_str() {
        "GET" => open_stream(),
        _ if got.rpc() == "subscriptions/listen" => open_stream(),
        _ => Says::Json(result(&got.id(), "{}")),
    })
    .await
}

fn open_stream() -> Says {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let _ = sender.send(": open\n\n".into()).await;
        sender.closed().await
    });
    Says::Stream(receiver)
}

async fn keyed(keys: Vec<ClientKey>, steps: Vec<Step>, servers: Vec<Arc<Server>>) -> House {
    let house = house::gateway(vec![], vec![]).await;
    let edition = house::edition(2, steps, servers).for_clients(Clients::new(keys));
    house.gateway.publish(edition);
    house
}

#[tokio::test]
async fn without_a_known_key_nobody_learns_or_reaches_anything() {
    let fake = answering().await;
    let house = keyed(vec![key("ada", &[])], vec![], vec![http("s", &fake)]).await;
    let wrong: [&[(&str, &str)]; 5] = [
        &[],
        &[("authorization", "Bearer key-of-bob")],
        &[("authorization", "Basic key-of-ada")],
        &[("authorization", "key-of-ada")],
        &[
            ("authorization", "Bearer key-of-ada"),
            ("Authorization", "Bearer key-of-ada"),
        ],
    ];
    for given in wrong {
        for path in ["/mcp", "/mcp/s", "/mcp/not-there"] {
            for method in ["POST", "GET", "DELETE", "PUT"] {
                let headers = [PLAIN, given].concat();
                let body = if method == "POST" { INITIALIZE } else { "" };
                let response = send(house.at, method, path, &headers, body.as_bytes()).await;
                assert_eq!(response.status, 401, "{method} {path} {given:?}");
                assert_eq!(response.header("www-authenticate"), Some("Bearer"));
                assert!(!response.body().await.contains("key-of"));
            }
        }
    }
    assert!(fake.got.lock().is_empty());
    assert_eq!(
        send(house.at, "GET", "/healthz", &[], b"").await.status,
        200
    );
}

#[tokio::test]
async fn a_key_gives_a_name_and_groups_to_every_policy_and_goes_no_further() {
    let fake = answering().await;
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let kept = seen.clone();
    let step = before(&["*"], Role::Validation, move |run| {
        let principal = run.call.principal.as_deref().map(str::to_owned);
        kept.lock().push((principal, run.call.groups.to_vec()));
        PreDecision::Proceed
    });
    let keys = vec![key("ada", &["ops", "dev"]), key("bob", &[])];
    let house = keyed(keys, vec![step], vec![http("s", &fake)]).await;
    let session = Session::begin_as(house.at, "/mcp/s", Some("key-of-ada")).await;
    session.ask(CALL).await;
    let merged = Session::begin_as(house.at, "/mcp", Some("key-of-ada")).await;
    merged.ask(&CALL.replace("\"x\"", "\"s__x\"")).await;
    let groups = vec!["ops".to_owned(), "dev".to_owned()];
    let ada = (Some("ada".to_owned()), groups);
    assert!(seen.lock().len() >= 4);
    assert!(seen.lock().iter().all(|one| *one == ada), "{seen:?}");

    seen.lock().clear();
    let headers = [
        PLAIN,
        &[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "ping"),
            ("authorization", "Bearer key-of-bob"),
        ],
    ]
    .concat();
    let body = modern("1", "ping", "");
    send(house.at, "POST", "/mcp/s", &headers, body.as_bytes()).await;
    assert_eq!(*seen.lock(), [(Some("bob".to_owned()), vec![])]);
    let got = fake.got.lock();
    assert!(got.iter().all(|got| got.header("authorization").is_none()));
    assert!(!format!("{got:?}").contains("key-of"));
}

#[tokio::test]
async fn anothers_session_is_unknown_whatever_is_done_to_it() {
    let fake = answering().await;
    let keys = vec![key("ada", &[]), key("bob", &[])];
    let house = keyed(keys, vec![], vec![http("s", &fake)]).await;
    for path in ["/mcp/s", "/mcp"] {
        let session = Session::begin_as(house.at, path, Some("key-of-ada")).await;
        let stolen = Session {
            path: path.into(),
            id: session.id.clone(),
            hello: String::new(),
            key: Some("Bearer key-of-bob".into()),
            at: house.at,
        };
        let unknown = Session {
            id: "0".repeat(64),
            path: path.into(),
            hello: String::new(),
            key: Some("Bearer key-of-bob".into()),
            at: house.at,
        };
        let before = fake.got.lock().len();
        for (one, other) in [
            (stolen.post(PING).await, unknown.post(PING).await),
            (stolen.get().await, unknown.get().await),
            (stolen.delete().await, unknown.delete().await),
        ] {
            assert_eq!((one.status, other.status), (404, 404));
            assert_eq!(one.body().await, other.body().await, "it can be told apart");
        }
        assert_eq!(fake.got.lock().len(), before);
        // It is still there for its owner.
        assert_eq!(session.ask(PING).await, result("1", "{}"));
    }
}

#[tokio::test]
async fn a_client_that_is_removed_is_out_at_once_with_its_sessions_and_streams() {
    let fake = answering().await;
    let server = http("s", &fake);
    let keys = vec![key("ada", &[]), key("bob", &["dev"])];
    let house = keyed(keys, vec![], vec![server.clone()]).await;
    let ada = Session::begin_as(house.at, "/mcp/s", Some("key-of-ada")).await;
    let bob = Session::begin_as(house.at, "/mcp/s", Some("key-of-bob")).await;
    let mut adas = ada.get().await.events();
    let mut bobs = bob.get().await.events();
    let headers = [
        PLAIN,
        &[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "subscriptions/listen"),
            ("authorization", "Bearer key-of-bob"),
        ],
    ]
    .concat();
    let body = modern("1", "subscriptions/listen", "");
    let mut subscribed = send(house.at, "POST", "/mcp/s", &headers, body.as_bytes())
        .await
        .events();
    for stream in [&mut adas, &mut bobs, &mut subscribed] {
        assert_eq!(stream.next().await.unwrap(), ":");
    }

    let now = house::edition(3, vec![], vec![server.clone()]);
    let now = now.for_clients(Clients::new(vec![key("ada", &[])]));
    house.gateway.publish(now);
    assert_eq!(bobs.next().await, None);
    assert_eq!(subscribed.next().await, None);
    assert_eq!(bob.post(PING).await.status, 401);
    assert!(adas.silent().await, "another client's stream has ended");
    assert_eq!(ada.ask(PING).await, result("1", "{}"));

    // Back again, with other groups or the same: it begins anew.
    let now = house::edition(4, vec![], vec![server]);
    let keys = vec![key("ada", &["new"]), key("bob", &["dev"])];
    house.gateway.publish(now.for_clients(Clients::new(keys)));
    assert_eq!(bob.post(PING).await.status, 404);
    assert_eq!(ada.post(PING).await.status, 404);
    assert_eq!(adas.next().await, None);
    Session::begin_as(house.at, "/mcp/s", Some("key-of-bob")).await;
}

#[tokio::test]
async fn the_first_key_ends_the_sessions_of_those_who_have_none() {
    let fake = answering().await;
    let server = http("s", &fake);
    let house = house::gateway(vec![], vec![server.clone()]).await;
    let mut session = Session::begin(house.at, "/mcp/s").await;
    let now = house::edition(2, vec![], vec![server]);
    house
        .gateway
        .publish(now.for_clients(Clients::new(vec![key("ada", &[])])));
    assert_eq!(session.post(PING).await.status, 401);
    session.key = Some("Bearer key-of-ada".into());
    assert_eq!(session.post(PING).await.status, 404);
}

#[tokio::test]
async fn one_client_listens_on_as_many_streams_as_it_may_and_another_does_not_mind() {
    let fake = answering().await;
    let server = http("s", &fake);
    let config = GatewayConfig {
        // One client has half.
        max_listeners: 2,
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![]).await;
    let now = house::edition(2, vec![], vec![server]);
    let keys = vec![key("ada", &[]), key("bob", &[])];
    house.gateway.publish(now.for_clients(Clients::new(keys)));
    let one = Session::begin_as(house.at, "/mcp/s", Some("key-of-ada")).await;
    let two = Session::begin_as(house.at, "/mcp/s", Some("key-of-ada")).await;
    let other = Session::begin_as(house.at, "/mcp/s", Some("key-of-bob")).await;
    let held = one.get().await;
    assert_eq!(held.status, 200);
    let refused = two.get().await;
    assert_eq!(refused.status, 503);
    assert!(refused.body().await.contains("close one first"));
    assert_eq!(other.get().await.status, 200);
    drop(held);
    for _ in 0..100 {
        if two.get().await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the place was never free again");
}

#[tokio::test]
async fn a_client_on_a_line_is_who_it_was_started_as() {
    let fake = answering().await;
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let kept = seen.clone();
    let step = before(&["ping"], Role::Validation, move |run| {
        let principal = run.call.principal.as_deref().map(str::to_owned);
        kept.lock().push(principal);
        PreDecision::Proceed
    });
    let server = http("s", &fake);
    let house = keyed(vec![key("ada", &[])], vec![step], vec![server.clone()]).await;
    let endpoint = || Endpoint::Server("s".into());
    let mut line = Line::open_as(&house, endpoint(), Some("ada"));
    line.say(INITIALIZE).await;
    line.next().await;
    line.say(PING).await;
    assert_eq!(line.next().await, result("1", "{}"));
    assert_eq!(*seen.lock(), [Some("ada".to_owned())]);

    for (name, why) in [(None, "--client NAME"), (Some("bob"), "no client")] {
        let mut line = Line::open_as(&house, endpoint(), name);
        line.say(PING).await;
        let refused = line.next().await;
        assert!(
            refused.contains("error") && refused.contains(why),
            "{refused}"
        );
    }

    let now = house::edition(3, vec![], vec![server]);
    house
        .gateway
        .publish(now.for_clients(Clients::new(vec![key("bob", &[])])));
    line.say(PING).await;
    let refused = line.next().await;
    assert!(refused.contains("no client"), "{refused}");
    assert_eq!(seen.lock().len(), 1);
}
