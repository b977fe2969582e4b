use crate::client::{PLAIN, ask_modern, modern, send};
use crate::house::{self, child, http};
use crate::policy::{after, before, refusal};
use crate::server::{Fake, Says, result};
use sandgate_message::{Edit, PostDecision, PreDecision, Role};

async fn echoing() -> Fake {
    Fake::new(|got| Says::Json(result(&got.id(), r#"{"resultType":"complete"}"#))).await
}

#[tokio::test]
async fn a_modern_request_passes_without_a_session() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let body = modern("7", "tools/call", r#""name":"x","arguments":{}"#);
    let response = ask_modern(house.at, "/mcp/s", "tools/call", Some("x"), &body).await;
    assert_eq!(
        (response.status, response.header("mcp-session-id")),
        (200, None)
    );
    assert_eq!(
        response.body().await,
        result("7", r#"{"resultType":"complete"}"#)
    );
    let got = fake.got.lock()[0].clone();
    assert_eq!(got.body, body);
    assert_eq!(
        (
            got.header("mcp-method"),
            got.header("mcp-name"),
            got.header("mcp-protocol-version")
        ),
        (Some("tools/call"), Some("x"), Some("2026-07-28"))
    );
}

#[tokio::test]
async fn headers_that_disagree_with_the_body_are_refused() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let body = modern("7", "tools/call", r#""name":"x""#);
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "y"),
            ],
            &body,
        ),
        (
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/list"),
                ("mcp-name", "x"),
            ],
            &body,
        ),
        (
            &[
                ("mcp-protocol-version", "2025-11-25"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "x"),
            ],
            &body,
        ),
        (
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-name", "x")],
            &body,
        ),
        (&[("mcp-method", "tools/call"), ("mcp-name", "x")], &body),
    ];
    for (extra, body) in cases {
        let headers: Vec<_> = PLAIN.iter().chain(extra).copied().collect();
        let response = send(house.at, "POST", "/mcp/s", &headers, body.as_bytes()).await;
        assert_eq!(response.status, 400, "{extra:?}");
        let error: serde_json::Value = serde_json::from_str(&response.body().await).unwrap();
        assert_eq!(
            (error["error"]["code"].as_i64(), error["id"].as_i64()),
            (Some(-32020), Some(7)),
            "{extra:?}"
        );
    }
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_modern_request_that_names_no_version_in_its_body_lacks_a_parameter() {
    let fake = echoing().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let modern = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "server/discover"),
    ];
    let headers: Vec<_> = PLAIN.iter().chain(&modern).copied().collect();
    for params in [
        "{}",
        r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#,
    ] {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"server/discover","params":{params}}}"#);
        let response = send(house.at, "POST", "/mcp/s", &headers, body.as_bytes()).await;
        assert_eq!(response.status, 400, "{params}");
        let error: serde_json::Value = serde_json::from_str(&response.body().await).unwrap();
        assert_eq!(
            (error["error"]["code"].as_i64(), error["id"].as_i64()),
            (Some(-32602), Some(7)),
            "{params}"
        );
    }
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_modern_probe_of_a_legacy_server_brings_back_its_status() {
    let fake = Fake::new(|_| Says::Text(400, "Bad Request: no session")).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let response = ask_modern(
        house.at,
        "/mcp/s",
        "server/discover",
        None,
        &modern("1", "server/discover", ""),
    )
    .await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (400, Some("text/plain; charset=utf-8"))
    );
    assert!(!response.body().await.contains("no session"));
}

#[tokio::test]
async fn words_that_no_policy_can_judge_are_withheld_and_the_status_passes() {
    let fake = Fake::new(|_| Says::Text(400, "a secret")).await;
    let policy = after(&["tools/call"], Role::Validation, |_| PostDecision::Proceed);
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let response = ask_modern(
        house.at,
        "/mcp/s",
        "tools/call",
        Some("x"),
        &modern("1", "tools/call", r#""name":"x""#),
    )
    .await;
    assert_eq!(response.status, 400);
    assert!(!response.body().await.contains("secret"));
}

#[tokio::test]
async fn a_modern_request_to_a_legacy_child_gets_plain_text() {
    let house = house::gateway(vec![], vec![child("s", "{}")]).await;
    let response = ask_modern(
        house.at,
        "/mcp/s",
        "server/discover",
        None,
        &modern("1", "server/discover", ""),
    )
    .await;
    assert_eq!(response.status, 400);
    assert!(
        response
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(serde_json::from_str::<serde_json::Value>(&response.body().await).is_err());
}

#[tokio::test]
async fn a_changed_name_is_mirrored_in_the_headers() {
    let fake = echoing().await;
    let rename = before(&["tools/call"], Role::Mutation, |_| {
        PreDecision::Edit(vec![Edit::Set("/name".into(), r#""other""#.into())])
    });
    let house = house::gateway(vec![rename], vec![http("s", &fake)]).await;
    ask_modern(
        house.at,
        "/mcp/s",
        "tools/call",
        Some("x"),
        &modern("1", "tools/call", r#""name":"x""#),
    )
    .await;
    let got = fake
        .got
        .lock()
        .iter()
        .rfind(|got| got.rpc() == "tools/call")
        .unwrap()
        .clone();
    assert_eq!(got.json()["params"]["name"], "other");
    assert_eq!(got.header("mcp-name"), Some("other"));
}

#[tokio::test]
async fn a_list_that_policies_edit_is_not_to_be_kept() {
    let fake = Fake::new(|got| {
        Says::Json(result(
            &got.id(),
            r#"{"resultType":"complete","tools":[],"ttlMs":60000,"cacheScope":"public"}"#,
        ))
    })
    .await;
    let policy = after(&["tools/list"], Role::Mutation, |_| PostDecision::Proceed);
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let said = ask_modern(
        house.at,
        "/mcp/s",
        "tools/list",
        None,
        &modern("1", "tools/list", ""),
    )
    .await
    .body()
    .await;
    assert_eq!(
        said,
        result(
            "1",
            r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#
        )
    );
}

#[tokio::test]
async fn a_refused_modern_call_is_an_answer_with_status_200() {
    let fake = echoing().await;
    let policy = before(&["tools/call"], Role::Validation, |_| {
        PreDecision::Refuse(refusal("no"))
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let response = ask_modern(
        house.at,
        "/mcp/s",
        "tools/call",
        Some("x"),
        &modern("1", "tools/call", r#""name":"x""#),
    )
    .await;
    assert_eq!(response.status, 200);
    let said = response.body().await;
    assert!(
        said.contains(r#""isError":true"#) && said.contains("not-sent"),
        "{said}"
    );
    assert!(fake.bodies("tools/call").is_empty());
}
