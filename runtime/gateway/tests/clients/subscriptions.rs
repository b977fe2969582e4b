//! `subscriptions/listen`: at one server over either transport, and at all of them as one.

use std::time::Duration;

use sandgate_gateway::{Decision, Endpoint, GatewayConfig};
use sandgate_message::{Direction, Edit, PostDecision, PreDecision, Role};
use serde_json::{Value, json};

use crate::client::{SOON, ask_modern, modern};
use crate::house::{self, edition, http};
use crate::line::Line;
use crate::modern::{LISTEN, ask, listen, modern_child, opened, subscribable, subscribe};
use crate::policy::{after, before, refusal};
use crate::server::{Fake, Says};

const TOOLS: &str = "notifications/tools/list_changed";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn mark(message: &Value) -> &Value {
    &message["params"]["_meta"][SUBSCRIPTION]
}

#[tokio::test]
async fn what_a_server_says_on_a_subscription_passes_byte_for_byte() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let (mut events, first) =
        subscribe(house.at, "/mcp/s", r#""sub""#, r#""toolsListChanged":true"#).await;
    assert_eq!(mark(&first), "sub");
    let server = opened(&mut subscriptions).await;
    let odd = r#"{ "jsonrpc":"2.0","method":"notifications/tools/list_changed", "params":{"x":1.0,"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}} }"#;
    server.send(odd).await;
    assert_eq!(events.message().await, odd);
    assert!(events.silent().await);
    assert_eq!(
        house.log.decisions(TOOLS),
        [Decision::Forwarded],
        "a notification is a call of its own"
    );
}

#[tokio::test]
async fn a_client_that_closes_its_subscription_closes_the_servers() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![http("s", &fake), modern_child("c")]).await;
    let (events, _) = subscribe(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    let server = opened(&mut subscriptions).await;
    drop(events);
    tokio::time::timeout(SOON, server.stream.closed())
        .await
        .expect("the server's stream stayed open");
    house.log.wait_for(LISTEN, Decision::Cancelled).await;

    let (events, _) = subscribe(house.at, "/mcp/c", "1", r#""toolsListChanged":true"#).await;
    drop(events);
    for _ in 0..200 {
        if ask(house.at, "/mcp/c", "state").await["result"]["cancelled"] == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child was not told that its subscription is cancelled");
}

/// Two clients of one child use the same id: each gets its own notifications under its own spelling.
#[tokio::test]
async fn subscriptions_at_a_shared_child_are_told_apart() {
    let house = house::gateway(vec![], vec![modern_child("c")]).await;
    let (mut one, first) = subscribe(house.at, "/mcp/c", "7", r#""toolsListChanged":true"#).await;
    assert_eq!(mark(&first), 7);
    let (mut two, _) = subscribe(house.at, "/mcp/c", "7", r#""toolsListChanged":true"#).await;
    let (mut three, first) =
        subscribe(house.at, "/mcp/c", r#""x""#, r#""toolsListChanged":true"#).await;
    assert_eq!(mark(&first), "x");
    ask(house.at, "/mcp/c", "poke").await;
    for (events, id) in [
        (&mut one, json!(7)),
        (&mut two, json!(7)),
        (&mut three, json!("x")),
    ] {
        let said = read(&events.message().await);
        assert_eq!((said["method"].as_str(), mark(&said)), (Some(TOOLS), &id));
        assert!(events.silent().await, "more than its own");
    }
}

#[tokio::test]
async fn nobody_cancels_anothers_subscription_by_its_id() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![modern_child("c"), http("s", &fake)]).await;
    let (mut open, mut servers) = (Vec::new(), Vec::new());
    for path in ["/mcp/c", "/mcp/s", "/mcp"] {
        let (mut events, _) = subscribe(house.at, path, "7", r#""toolsListChanged":true"#).await;
        let body =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
        let said = ask_modern(house.at, path, "notifications/cancelled", None, body).await;
        assert_eq!(said.status, 202);
        let mut line = Line::open(&house, Endpoint::Server("c".into()));
        line.say(&modern("8", "cancelling", "")).await;
        line.say(body).await;
        assert!(line.next().await.contains("cancelling"));
        assert!(events.silent().await, "{path}: something came");
        if path != "/mcp/c" {
            let server = opened(&mut subscriptions).await;
            server.notify(TOOLS, "").await;
            assert_eq!(read(&events.message().await)["method"], TOOLS, "{path}");
            servers.push(server);
        }
        open.push(events);
    }
    assert!(fake.bodies("notifications/cancelled").is_empty());
    let state = ask(house.at, "/mcp/c", "state").await;
    assert_eq!(state["result"]["subscriptions"], 2, "{state}");
}

#[tokio::test]
async fn a_subscription_that_its_server_ends_ends_without_an_error() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![http("s", &fake), modern_child("c")]).await;
    let (mut events, _) = subscribe(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    drop(opened(&mut subscriptions).await);
    assert_eq!(events.next().await, None);
    house.log.wait_for(LISTEN, Decision::Forwarded).await;

    let (mut events, _) = subscribe(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    let server = opened(&mut subscriptions).await;
    let over = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#;
    server.send(over).await;
    assert_eq!(events.message().await, over);
    assert_eq!(events.next().await, None);

    let (mut events, _) = subscribe(house.at, "/mcp/c", "5", r#""toolsListChanged":true"#).await;
    ask(house.at, "/mcp/c", "end").await;
    let said = read(&events.message().await);
    assert_eq!(
        (said["method"].as_str(), &said["params"]["requestId"]),
        (Some("notifications/cancelled"), &json!(5))
    );
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_child_that_dies_under_its_subscriptions_is_an_error_to_each() {
    let house = house::gateway(vec![], vec![modern_child("c")]).await;
    let (mut one, _) = subscribe(house.at, "/mcp/c", "1", r#""toolsListChanged":true"#).await;
    let (mut two, _) = subscribe(house.at, "/mcp/c", "2", r#""toolsListChanged":true"#).await;
    ask(house.at, "/mcp/c", "die").await;
    for (events, id) in [(&mut one, 1), (&mut two, 2)] {
        let said = read(&events.message().await);
        assert_eq!(
            (&said["id"], &said["error"]["code"]),
            (&json!(id), &json!(-32000))
        );
        assert_eq!(events.next().await, None);
    }
    // The next one starts it anew.
    subscribe(house.at, "/mcp/c", "3", r#""toolsListChanged":true"#).await;
}

#[tokio::test]
async fn an_event_of_a_subscription_that_is_cut_does_not_pass() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let (mut events, _) = subscribe(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    let server = opened(&mut subscriptions).await;
    server
        .stream
        .send(r#"data: {"jsonrpc":"2.0","method":"notifications/too"#.into())
        .await
        .unwrap();
    drop(server);
    assert_eq!(read(&events.message().await)["error"]["code"], -32000);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn notifications_of_a_subscription_pass_the_policies() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let policy = before(
        &["notifications/resources/updated"],
        Role::Mutation,
        |run| {
            assert_eq!(run.call.direction, Direction::ServerToClient);
            match run.call.target.as_deref() {
                Some("one://secret") => PreDecision::Refuse(refusal("no")),
                _ => PreDecision::Edit(vec![Edit::Set("/seen".into(), "true".into())]),
            }
        },
    );
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    for path in ["/mcp/s", "/mcp"] {
        let filter = r#""resourceSubscriptions":["one://r"]"#;
        let (mut events, _) = subscribe(house.at, path, "1", filter).await;
        let server = opened(&mut subscriptions).await;
        for uri in ["one://secret", "one://r"] {
            let params = format!(r#""uri":"{uri}""#);
            server
                .notify("notifications/resources/updated", &params)
                .await;
        }
        let said = read(&events.message().await);
        assert_eq!(
            (&said["params"]["uri"], &said["params"]["seen"]),
            (&json!("one://r"), &json!(true)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn all_servers_feed_one_stream() {
    let (one, mut at_one) = subscribable("", "one://r").await;
    let (two, mut at_two) = subscribable("", "two://r").await;
    let house = house::gateway(
        vec![],
        vec![http("one", &one), http("two", &two), modern_child("c")],
    )
    .await;
    let filter = r#""toolsListChanged":true,"resourceSubscriptions":["two://r/7","none://r","one://r"],"taskIds":["t"]"#;
    let (mut events, first) = subscribe(house.at, "/mcp", r#""s""#, filter).await;
    assert_eq!(
        first["params"],
        json!({"_meta": {SUBSCRIPTION: "s"}, "notifications": {"toolsListChanged": true, "resourceSubscriptions": ["two://r/7", "one://r"]}})
    );
    let (one, two) = (opened(&mut at_one).await, opened(&mut at_two).await);
    assert_eq!(
        (&one.params["notifications"], &two.params["notifications"]),
        (
            &json!({"toolsListChanged": true, "resourceSubscriptions": ["one://r"]}),
            &json!({"toolsListChanged": true, "resourceSubscriptions": ["two://r/7"]})
        )
    );
    one.notify(TOOLS, "").await;
    let said = read(&events.message().await);
    assert_eq!(
        (said["method"].as_str(), mark(&said)),
        (Some(TOOLS), &json!("s"))
    );
    two.notify("notifications/resources/updated", r#""uri":"two://r/7""#)
        .await;
    let said = read(&events.message().await);
    assert_eq!(
        (&said["params"]["uri"], mark(&said)),
        (&json!("two://r/7"), &json!("s"))
    );
    ask(house.at, "/mcp/c", "poke").await;
    let said = read(&events.message().await);
    assert_eq!(
        (said["method"].as_str(), mark(&said)),
        (Some(TOOLS), &json!("s"))
    );
    // What nobody asked for does not pass.
    one.notify("notifications/prompts/list_changed", "").await;
    one.notify("notifications/message", r#""data":"x""#).await;
    assert!(events.silent().await);
    drop(events);
    for server in [one, two] {
        tokio::time::timeout(SOON, server.stream.closed())
            .await
            .expect("a server's stream stayed open");
    }
}

#[tokio::test]
async fn a_server_that_nothing_concerns_is_not_asked() {
    let (one, mut at_one) = subscribable("", "one://r").await;
    let (two, _at_two) = subscribable("", "two://r").await;
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let filter = r#""resourceSubscriptions":["one://r"]"#;
    subscribe(house.at, "/mcp", "1", filter).await;
    opened(&mut at_one).await;
    assert!(two.bodies(LISTEN).is_empty());
    for filter in [
        r#""resourceSubscriptions":"one://r""#,
        r#""resourceSubscriptions":[1]"#,
    ] {
        let said = listen(house.at, "/mcp", "1", filter).await.message().await;
        assert_eq!(read(&said)["error"]["code"], -32602, "{filter}");
    }
}

/// Whoever stays is still heard; the one that is gone is asked again, and the client learns what it may have missed.
#[tokio::test]
async fn a_server_that_ends_its_part_does_not_end_the_whole() {
    let (one, mut at_one) = subscribable("", "one://r").await;
    let (two, mut at_two) = subscribable("", "two://r").await;
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let filter = r#""toolsListChanged":true,"resourceSubscriptions":["one://r"]"#;
    let (mut events, _) = subscribe(house.at, "/mcp", "1", filter).await;
    drop(opened(&mut at_one).await);
    let two = opened(&mut at_two).await;
    two.notify(TOOLS, "").await;
    assert_eq!(read(&events.message().await)["method"], TOOLS);
    let again = opened(&mut at_one).await;
    assert_eq!(again.id, "1");
    let missed = read(&events.message().await);
    assert_eq!(
        (missed["method"].as_str(), mark(&missed)),
        (Some(TOOLS), &json!(1))
    );
    let missed = read(&events.message().await);
    assert_eq!(
        (&missed["params"]["uri"], mark(&missed)),
        (&json!("one://r"), &json!(1))
    );
    again
        .notify(
            "notifications/resources/updated",
            r#""uri":"one://r","n":2"#,
        )
        .await;
    assert_eq!(read(&events.message().await)["params"]["n"], 2);
}

#[tokio::test]
async fn a_policy_that_refuses_every_subscription_is_told_of() {
    let (fake, _subscriptions) = subscribable("", "one://r").await;
    let policy = before(&[LISTEN], Role::Validation, |_| {
        PreDecision::Refuse(refusal("no-subscriptions"))
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    for path in ["/mcp", "/mcp/s"] {
        let said = listen(house.at, path, "1", r#""toolsListChanged":true"#)
            .await
            .message()
            .await;
        assert!(said.contains("no-subscriptions"), "{path}: {said}");
    }
    assert!(fake.bodies(LISTEN).is_empty());
}

#[tokio::test]
async fn a_reload_tells_modern_subscribers_whose_lists_may_differ() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let server = http("s", &fake);
    let house = house::gateway(vec![], vec![server.clone()]).await;
    let wanted = r#""toolsListChanged":true,"promptsListChanged":true"#;
    let (mut at_one, _) = subscribe(house.at, "/mcp/s", "1", wanted).await;
    let (mut at_all, _) = subscribe(house.at, "/mcp", "2", wanted).await;
    let (mut others, _) =
        subscribe(house.at, "/mcp/s", "3", r#""resourcesListChanged":true"#).await;
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(opened(&mut subscriptions).await);
    }
    let hide = after(&["tools/list"], Role::Mutation, |_| PostDecision::Proceed);
    house.gateway.publish(edition(2, vec![hide], vec![server]));
    for (events, id) in [(&mut at_one, 1), (&mut at_all, 2)] {
        let said = read(&events.message().await);
        assert_eq!(
            (said["method"].as_str(), mark(&said)),
            (Some(TOOLS), &json!(id))
        );
        assert!(events.silent().await, "told of more than the tools");
    }
    assert!(others.silent().await, "told of what it did not ask for");
}

#[tokio::test]
async fn after_a_reload_new_servers_feed_the_stream_and_old_ones_do_not() {
    let (one, mut at_one) = subscribable("", "one://r").await;
    let (two, mut at_two) = subscribable("", "two://r").await;
    let (one, two) = (http("one", &one), http("two", &two));
    let house = house::gateway(vec![], vec![one.clone()]).await;
    let (mut events, _) = subscribe(house.at, "/mcp", "1", r#""toolsListChanged":true"#).await;
    let (mut single, _) = subscribe(house.at, "/mcp/one", "2", r#""toolsListChanged":true"#).await;
    let (first, second) = (opened(&mut at_one).await, opened(&mut at_one).await);
    house.gateway.publish(edition(2, vec![], vec![two]));
    let new = opened(&mut at_two).await;
    for old in [first, second] {
        tokio::time::timeout(SOON, old.stream.closed())
            .await
            .expect("the old server's stream stayed open");
    }
    assert_eq!(read(&events.message().await)["method"], TOOLS);
    new.notify(TOOLS, r#""new":true"#).await;
    // Its coming may be told of first.
    while read(&events.message().await)["params"]["new"] != true {}
    // Of one server alone nothing is left.
    assert_eq!(
        read(&single.message().await)["result"]["resultType"],
        "complete"
    );
    assert_eq!(single.next().await, None);
}

#[tokio::test]
async fn a_gateway_that_stops_ends_subscriptions_and_does_not_wait_for_them() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let config = GatewayConfig {
        drain: Duration::from_secs(60),
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    let (mut one, _) = subscribe(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    let (mut all, _) = subscribe(house.at, "/mcp", "2", r#""toolsListChanged":true"#).await;
    let servers = [
        opened(&mut subscriptions).await,
        opened(&mut subscriptions).await,
    ];
    house.stop.cancel();
    for (events, id) in [(&mut one, 1), (&mut all, 2)] {
        let said = read(&events.message().await);
        assert_eq!(
            (&said["id"], &said["result"]["_meta"][SUBSCRIPTION]),
            (&json!(id), &json!(id))
        );
        assert_eq!(events.next().await, None);
    }
    for server in servers {
        tokio::time::timeout(SOON, server.stream.closed())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_client_on_stdio_subscribes_cancels_and_learns_of_the_end() {
    let (fake, mut subscriptions) = subscribable("", "one://r").await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    for endpoint in [Endpoint::Server("s".into()), Endpoint::Merged] {
        let mut line = Line::open(&house, endpoint.clone());
        let ask = |id: &str| modern(id, LISTEN, r#""notifications":{"toolsListChanged":true}"#);
        assert!(line.ask(&ask("1")).await.contains("acknowledged"));
        let server = opened(&mut subscriptions).await;
        let twice = read(&line.ask(&ask("1")).await);
        assert_eq!(
            (&twice["id"], &twice["error"]["code"]),
            (&json!(1), &json!(-32600))
        );
        server.notify(TOOLS, "").await;
        assert_eq!(mark(&read(&line.next().await)), 1);
        line.say(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        )
        .await;
        tokio::time::timeout(SOON, server.stream.closed())
            .await
            .expect("the server's stream stayed open");

        assert!(line.ask(&ask("2")).await.contains("acknowledged"));
        let server = opened(&mut subscriptions).await;
        if endpoint != Endpoint::Merged {
            drop(server);
            let said = read(&line.next().await);
            assert_eq!(
                (said["method"].as_str(), &said["params"]["requestId"]),
                (Some("notifications/cancelled"), &json!(2))
            );
        }
        assert!(line.ask(&ask("3")).await.contains("acknowledged"));
        // Nobody waits for a subscription when the input ends.
        line.end().await;
        while subscriptions.try_recv().is_ok() {}
    }
}

#[tokio::test]
async fn servers_without_subscriptions_leave_the_gateways_own_notices() {
    let fake = Fake::new(|got| match got.rpc().as_str() {
        "server/discover" => Says::Json(crate::server::result(
            &got.id(),
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#,
        )),
        _ => Says::JsonAs(
            404,
            format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"no"}}}}"#,
                got.id()
            ),
        ),
    })
    .await;
    let server = http("s", &fake);
    let house = house::gateway(vec![], vec![server.clone()]).await;
    let said = listen(house.at, "/mcp/s", "1", r#""toolsListChanged":true"#).await;
    assert_eq!(said.status, 404);
    let (mut events, _) = subscribe(house.at, "/mcp", "1", r#""toolsListChanged":true"#).await;
    let hide = after(&["tools/list"], Role::Mutation, |_| PostDecision::Proceed);
    house.gateway.publish(edition(2, vec![hide], vec![server]));
    assert_eq!(read(&events.message().await)["method"], TOOLS);
}
