use sandgate_message::{PostDecision, PreDecision, Role};

use crate::client::Session;
use crate::house::{self, Record, edition, http};
use crate::policy::{after, before_later};
use crate::server::{Fake, Says, result};

async fn answering() -> Fake {
    Fake::legacy(|got| match got.method.as_str() {
        "GET" => Says::Stream({
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move { sender.closed().await });
            receiver
        }),
        _ => Says::Json(result(&got.id(), "{}")),
    })
    .await
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;

#[tokio::test]
async fn clients_are_told_where_lists_may_differ() {
    let server = http("s", &answering().await);
    let house = house::gateway(vec![], vec![server.clone()]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut heard = session.get().await.events();
    house.gateway.publish(edition(
        2,
        vec![after(&["tools/list"], Role::Mutation, |_| {
            PostDecision::Proceed
        })],
        vec![server],
    ));
    let notice: serde_json::Value = serde_json::from_str(&heard.message().await).unwrap();
    assert_eq!(notice["method"], "notifications/tools/list_changed");
    assert!(
        heard.silent().await,
        "lists that cannot differ were announced"
    );
}

#[tokio::test]
async fn a_call_under_way_keeps_the_edition_it_came_in_by() {
    let (go, gone) = tokio::sync::watch::channel(false);
    let server = http("s", &answering().await);
    let slow = before_later(&["tools/call"], move |_| {
        let mut gone = gone.clone();
        async move {
            gone.wait_for(|go| *go).await.unwrap();
            PreDecision::Proceed
        }
    });
    let house = house::gateway(vec![slow], vec![server.clone()]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let (said, ()) = tokio::join!(session.ask(CALL), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        house.gateway.publish(edition(2, vec![], vec![server]));
        go.send(true).unwrap();
    });
    assert_eq!(said, result("1", "{}"));
    session.ask(CALL).await;
    let versions: Vec<u64> = house
        .log
        .records
        .lock()
        .iter()
        .filter_map(|record| match record {
            Record::Ended {
                method, version, ..
            } if method == "tools/call" => Some(*version),
            _ => None,
        })
        .collect();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn a_session_whose_server_is_gone_is_over() {
    let fake = answering().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    house
        .gateway
        .publish(edition(2, vec![], vec![http("s", &fake)]));
    assert_eq!(session.post(CALL).await.status, 404);
    Session::begin(house.at, "/mcp/s").await;
}

/// Calls from several clients, an open stream among them, while editions follow one another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_editions_change() {
    const LAST: u64 = 30;
    let server = http("s", &answering().await);
    let house = house::gateway(vec![], vec![server.clone()]).await;
    let done = tokio_util::sync::CancellationToken::new();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (at, done) = (house.at, done.clone());
        clients.spawn(async move {
            let session = Session::begin(at, "/mcp/s").await;
            let _heard = session.get().await.events();
            while !done.is_cancelled() {
                assert_eq!(session.ask(CALL).await, result("1", "{}"));
            }
        });
    }
    for version in 2..=LAST {
        let count = |house: &house::House| house.log.decisions("tools/call").len();
        let before = count(&house);
        let step = after(&["tools/*"], Role::Validation, |_| PostDecision::Proceed);
        house
            .gateway
            .publish(edition(version, vec![step], vec![server.clone()]));
        while count(&house) < before + 10 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    done.cancel();
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let records = house.log.records.lock();
    let served: std::collections::BTreeSet<u64> = records
        .iter()
        .filter_map(|record| match record {
            Record::Ended {
                method,
                version,
                decision,
                ..
            } if method == "tools/call" => {
                assert_eq!(*decision, sandgate_gateway::Decision::Forwarded);
                Some(*version)
            }
            _ => None,
        })
        .collect();
    assert!(served.is_superset(&(2..=LAST).collect()), "{served:?}");
}
