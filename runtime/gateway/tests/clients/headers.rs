//! `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*`: checked on the way in, and right on the way out, at one server and at all
//! of them as one.

use sandgate_gateway::Endpoint;
use sandgate_message::{Edit, PreDecision, Role};
use serde_json::{Value, json};

use crate::client::{PLAIN, Response, ask_modern, modern, send};
use crate::house::{self, House, http};
use crate::line::Line;
use crate::modern::{ask, modern_child, subscribable};
use crate::policy::before;
use crate::server::Fake;

const TOOL: &str = r#"{"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}"#;

async fn call(
    house: &House,
    path: &str,
    name: &str,
    args: &str,
    said: &[(&str, &str)],
) -> Response {
    let params = format!(r#""name":"{name}","arguments":{{{args}}}"#);
    let mut headers = PLAIN.to_vec();
    headers.extend([
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", name),
    ]);
    headers.extend(said);
    let body = modern("7", "tools/call", &params);
    send(house.at, "POST", path, &headers, body.as_bytes()).await
}

async fn error(response: Response) -> (u16, Value) {
    let status = response.status;
    let said: Value = serde_json::from_str(&response.message().await).unwrap();
    (status, said["error"]["code"].clone())
}

fn calls(fake: &Fake) -> Vec<(Option<String>, Option<String>)> {
    let header = |got: &crate::server::Got, name: &str| got.header(name).map(str::to_owned);
    fake.got
        .lock()
        .iter()
        .filter(|got| got.rpc() == "tools/call")
        .map(|got| (header(got, "mcp-name"), header(got, "mcp-param-region")))
        .collect()
}

#[tokio::test]
async fn arguments_that_headers_mirror_are_checked_also_where_the_server_has_no_headers() {
    let (fake, _subscriptions) = subscribable(TOOL, "one://r").await;
    let house = house::gateway(vec![], vec![modern_child("c"), http("h", &fake)]).await;
    // An HTTP server's list is known once somebody has asked for it.
    ask(house.at, "/mcp/h", "tools/list").await;
    for (path, name) in [
        ("/mcp/c", "t"),
        ("/mcp", "c__t"),
        ("/mcp/h", "t"),
        ("/mcp", "h__t"),
    ] {
        let eu = r#""region":"eu","n":42"#;
        let good = [("mcp-param-region", "eu"), ("mcp-param-n", "42.0")];
        let response = call(&house, path, name, eu, &good).await;
        assert_eq!(response.status, 200, "{path} {name}");
        let wrong: [&[(&str, &str)]; 4] = [
            &[("mcp-param-region", "us"), ("mcp-param-n", "42")],
            &[("mcp-param-region", "eu")],
            &[
                ("mcp-param-region", "=?base64?dXM=?="),
                ("mcp-param-n", "42"),
            ],
            &[
                ("mcp-param-region", "eu"),
                ("mcp-param-region", "eu"),
                ("mcp-param-n", "42"),
            ],
        ];
        for headers in wrong {
            let said = error(call(&house, path, name, eu, headers).await).await;
            assert_eq!(said, (400, json!(-32020)), "{path} {name} {headers:?}");
        }
    }
    assert_eq!(calls(&fake).len(), 2, "something was forwarded");
}

#[tokio::test]
async fn a_notification_that_is_named_like_a_call_is_checked_like_one() {
    let (fake, _subscriptions) = subscribable(TOOL, "one://r").await;
    let house = house::gateway(vec![], vec![http("h", &fake)]).await;
    ask(house.at, "/mcp/h", "tools/list").await;
    let body = modern(
        "7",
        "tools/call",
        r#""name":"t","arguments":{"region":"eu"}"#,
    );
    let mut notification: Value = serde_json::from_str(&body).unwrap();
    notification.as_object_mut().unwrap().remove("id");
    let body = notification.to_string();
    for (region, status) in [("us", 400), ("eu", 202)] {
        let mut headers = PLAIN.to_vec();
        headers.extend([
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "t"),
            ("mcp-param-region", region),
        ]);
        let response = send(house.at, "POST", "/mcp/h", &headers, body.as_bytes()).await;
        assert_eq!(response.status, status, "{region}");
    }
    let regions: Vec<_> = calls(&fake).into_iter().map(|(_, region)| region).collect();
    assert_eq!(regions, [Some("eu".to_owned())]);
}

#[tokio::test]
async fn all_servers_together_take_the_clients_name_and_pass_on_the_servers() {
    let (fake, _subscriptions) = subscribable(TOOL, "one://r").await;
    let house = house::gateway(vec![], vec![http("h", &fake)]).await;
    let said = [("mcp-param-region", "=?base64?5LiW?=")];
    let response = call(&house, "/mcp", "h__t", r#""region":"世""#, &said).await;
    assert_eq!(response.status, 200);
    assert_eq!(
        calls(&fake),
        [(Some("t".into()), Some("=?base64?5LiW?=".into()))]
    );
    let body = modern("7", "tools/call", r#""name":"h__t""#);
    let said = ask_modern(house.at, "/mcp", "tools/call", Some("t"), &body).await;
    assert_eq!(error(said).await, (400, json!(-32020)));
    let encoded = "=?base64?aF9fdA==?=";
    let said = ask_modern(house.at, "/mcp", "tools/call", Some(encoded), &body).await;
    assert_eq!(said.status, 200);
    assert_eq!(calls(&fake).len(), 2);
}

#[tokio::test]
async fn a_disagreement_does_not_disappear_in_what_a_policy_changes() {
    let (fake, _subscriptions) = subscribable(TOOL, "one://r").await;
    let policy = before(&["tools/call"], Role::Mutation, |_| {
        PreDecision::Edit(vec![Edit::Set(
            "/arguments/region".into(),
            r#""eu""#.into(),
        )])
    });
    let house = house::gateway(vec![policy], vec![http("h", &fake)]).await;
    let us = r#""region":"us""#;
    let said = call(&house, "/mcp/h", "t", us, &[("mcp-param-region", "eu")]).await;
    assert_eq!(error(said).await, (400, json!(-32020)));
    assert!(calls(&fake).is_empty());
    let said = call(&house, "/mcp/h", "t", us, &[("mcp-param-region", "us")]).await;
    assert_eq!(said.status, 200);
    assert_eq!(calls(&fake), [(Some("t".into()), Some("eu".into()))]);
}

#[tokio::test]
async fn a_client_on_stdio_has_no_headers_and_an_http_server_gets_them() {
    let (fake, _subscriptions) = subscribable(TOOL, "one://r").await;
    let house = house::gateway(vec![], vec![http("h", &fake)]).await;
    let mut line = Line::open(&house, Endpoint::Server("h".into()));
    let params = r#""name":"t","arguments":{"region":" padded "}"#;
    assert!(
        line.ask(&modern("1", "tools/call", params))
            .await
            .contains("result")
    );
    assert_eq!(
        calls(&fake),
        [(Some("t".into()), Some("=?base64?IHBhZGRlZCA=?=".into()))]
    );
}

#[tokio::test]
async fn a_method_that_a_modern_child_does_not_know_is_not_found() {
    let house = house::gateway(vec![], vec![modern_child("c")]).await;
    for path in ["/mcp/c", "/mcp"] {
        let body = modern("1", "unheard/of", "");
        let said = ask_modern(house.at, path, "unheard/of", None, &body).await;
        assert_eq!(error(said).await, (404, json!(-32601)), "{path}");
    }
}
