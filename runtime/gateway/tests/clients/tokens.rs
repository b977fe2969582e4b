//! Clients' own tokens for a server: where they go, and how a client learns where to get one.

use std::sync::Arc;

use sandgate_gateway::{
    ClientKey, Clients, Decision, GatewayConfig, Server, ServerConfig, Transport,
};
use sandgate_message::{PostDecision, Role};
use sha2::{Digest, Sha256};

use crate::client::{INITIALIZE, PLAIN, Session, modern, send};
use crate::house::{self, House, http};
use crate::policy::after;
use crate::server::{Fake, Got, Says, hello, result};

const CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}"#;
const METADATA: &str = "/.well-known/oauth-protected-resource";

fn forwarding(name: &str, fake: &Fake) -> Arc<Server> {
    let transport = Transport::Http {
        url: fake.url().parse().unwrap(),
        headers: http::HeaderMap::new(),
    };
    Server::new(ServerConfig {
        forward_authorization: true,
        ..ServerConfig::new(name, transport)
    })
}

/// Wants the token `right`; its metadata stand where `place` says.
async fn protected(place: &'static str) -> Fake {
    Fake::new(move |got| {
        if got.path == place {
            let metadata = r#"{"resource":"http://behind/mcp","authorization_servers":["https://login.example"],"scopes_supported":["a"]}"#;
            return Says::Json(metadata.to_owned());
        }
        if got.path != "/mcp" {
            return Says::Text(404, "no");
        }
        if got.header("authorization") != Some("Bearer right") {
            let host = got.header("host").unwrap();
            let challenge = format!(
                r#"Bearer error="invalid_token", error_description="do as I say", resource_metadata="http://{host}{place}", scope="a b""#
            );
            let said = r#"{"error":"invalid_token"}"#.to_owned();
            let kind = ("content-type", "application/json".to_owned());
            return Says::With(401, vec![kind, ("www-authenticate", challenge)], said);
        }
        match got.rpc().as_str() {
            "initialize" => Says::With(
                200,
                vec![
                    ("content-type", "application/json".to_owned()),
                    ("mcp-session-id", "upstream".to_owned()),
                ],
                hello(&got.id()),
            ),
            rpc if rpc.starts_with("notifications/") => Says::Accepted,
            _ => Says::Json(result(&got.id(), "{}")),
        }
    })
    .await
}

fn tokens(fake: &Fake) -> Vec<Option<String>> {
    let token = |got: &Got| got.header("authorization").map(str::to_owned);
    fake.got.lock().iter().map(token).collect()
}

async fn challenged(house: &House, headers: &[(&str, &str)]) -> crate::client::Response {
    let headers = [PLAIN, headers].concat();
    send(house.at, "POST", "/mcp/s", &headers, INITIALIZE.as_bytes()).await
}

#[tokio::test]
async fn a_clients_token_goes_to_the_server_that_wants_it_with_every_message() {
    let fake = protected("/none").await;
    let house = house::gateway(vec![], vec![forwarding("s", &fake)]).await;
    let session = Session::begin_as(house.at, "/mcp/s", Some("right")).await;
    assert_eq!(session.ask(CALL).await, result("2", "{}"));
    session.get().await;
    session.delete().await;
    let got = fake.got.lock();
    let methods: Vec<_> = got.iter().map(|got| got.method.as_str()).collect();
    assert_eq!(methods, ["POST", "POST", "POST", "GET", "DELETE"]);
    drop(got);
    assert!(
        tokens(&fake)
            .iter()
            .all(|token| token.as_deref() == Some("Bearer right"))
    );
    assert!(!format!("{:?}", house.log.records.lock()).contains("right"));
}

#[tokio::test]
async fn a_clients_token_goes_nowhere_else() {
    let (wants, other) = (
        protected("/none").await,
        Fake::legacy(|got| Says::Json(result(&got.id(), "{}"))).await,
    );
    let servers = vec![forwarding("s", &wants), http("t", &other)];
    let house = house::gateway(vec![], servers.clone()).await;
    let plain = Session::begin_as(house.at, "/mcp/t", Some("right")).await;
    plain.ask(CALL).await;
    let headers = [PLAIN, &[("authorization", "Bearer right")]].concat();
    // All servers behind one endpoint: a token for one of them is none for the others, so none gets it.
    let merged = send(house.at, "POST", "/mcp", &headers, INITIALIZE.as_bytes()).await;
    assert_eq!(merged.header("www-authenticate"), None);
    assert!(tokens(&other).iter().all(Option::is_none));
    assert!(tokens(&wants).iter().all(Option::is_none));

    // Where clients have keys of the gateway's, the header is theirs, whatever the server says.
    let now = house::edition(2, vec![], servers);
    let clients = Clients::new(vec![ClientKey {
        name: "ada".into(),
        token_sha256: Some(Sha256::digest("right").into()),
        previous: None,
        certificate: None,
        groups: Arc::from([]),
        rate: None,
    }]);
    house.gateway.publish(now.for_clients(clients));
    let before = wants.got.lock().len();
    challenged(&house, &[("authorization", "Bearer right")]).await;
    assert!(wants.got.lock().len() > before);
    assert!(tokens(&wants).iter().all(Option::is_none));
}

#[tokio::test]
async fn a_token_that_can_be_read_in_two_ways_goes_nowhere() {
    let fake = protected("/none").await;
    let house = house::gateway(vec![], vec![forwarding("s", &fake)]).await;
    let twice = [
        ("authorization", "Bearer right"),
        ("Authorization", "Bearer wrong"),
    ];
    assert_eq!(challenged(&house, &twice).await.status, 400);
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_client_without_a_token_is_told_where_to_get_one_at_the_gateway() {
    for place in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/somewhere/else",
    ] {
        let fake = protected(place).await;
        let house = house::gateway(vec![], vec![forwarding("s", &fake)]).await;
        let response = challenged(&house, &[]).await;
        assert_eq!(response.status, 401);
        let at = house.at;
        let url = format!("http://{at}{METADATA}/mcp/s");
        let expected =
            format!(r#"Bearer error="invalid_token", resource_metadata="{url}", scope="a b""#);
        assert_eq!(response.header("www-authenticate"), Some(&*expected));

        let found = send(at, "GET", &format!("{METADATA}/mcp/s"), &[], b"").await;
        assert_eq!(found.status, 200, "{place}");
        assert_eq!(found.header("content-type"), Some("application/json"));
        let found: serde_json::Value = serde_json::from_str(&found.body().await).unwrap();
        assert_eq!(found["resource"], format!("http://{at}/mcp/s"));
        assert_eq!(found["authorization_servers"][0], "https://login.example");
        assert_eq!(found["scopes_supported"][0], "a");
    }
}

#[tokio::test]
async fn a_modern_client_is_told_too_and_a_policy_hides_words_but_not_the_way() {
    let fake = protected("/none").await;
    let step = after(&["*"], Role::Validation, |_| PostDecision::Proceed);
    let house = house::gateway(vec![step], vec![forwarding("s", &fake)]).await;
    let headers = [
        PLAIN,
        &[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "server/discover"),
        ],
    ]
    .concat();
    let body = modern("1", "server/discover", "");
    let response = send(house.at, "POST", "/mcp/s", &headers, body.as_bytes()).await;
    assert_eq!(response.status, 401);
    let challenge = response.header("www-authenticate").unwrap().to_owned();
    assert!(challenge.contains("resource_metadata=\"http://127.0.0.1"));
    assert!(!response.body().await.contains("invalid_token"));
    house
        .log
        .wait_for("server/discover", Decision::Failed)
        .await;
}

#[tokio::test]
async fn behind_a_proxy_the_gateway_gives_the_address_that_it_was_told() {
    let fake = protected("/somewhere").await;
    let config = GatewayConfig {
        public_url: Some("https://mcp.example.com".into()),
        ..GatewayConfig::default()
    };
    let house = house::configured(config, vec![], vec![forwarding("s", &fake)]).await;
    let response = challenged(&house, &[("x-forwarded-host", "evil.example")]).await;
    let challenge = response.header("www-authenticate").unwrap().to_owned();
    assert!(
        challenge.contains(r#"resource_metadata="https://mcp.example.com/.well-known/"#),
        "{challenge}"
    );
    let found = send(house.at, "GET", &format!("{METADATA}/mcp/s"), &[], b"").await;
    assert!(
        found
            .body()
            .await
            .contains(r#""https://mcp.example.com/mcp/s""#)
    );
}

#[tokio::test]
async fn metadata_are_there_only_where_tokens_go_on_and_the_server_has_some() {
    let (without, other) = (protected("/none").await, protected(METADATA).await);
    let servers = vec![forwarding("s", &without), http("t", &other)];
    let house = house::gateway(vec![], servers).await;
    for path in ["/mcp/s", "/mcp/t", "/mcp/u", "/mcp", "", "/mcp/s/x"] {
        let found = send(house.at, "GET", &format!("{METADATA}{path}"), &[], b"").await;
        assert_eq!(found.status, 404, "{path}");
    }
    let posted = send(house.at, "POST", &format!("{METADATA}/mcp/s"), &[], b"").await;
    assert_eq!(posted.status, 405);
    let foreign = [("host", "evil.example")];
    let path = format!("{METADATA}/mcp/s");
    assert_eq!(
        send(house.at, "GET", &path, &foreign, b"").await.status,
        403
    );
}

#[tokio::test]
async fn a_server_that_refuses_the_gateways_own_credentials_is_the_operators_affair() {
    let fake = protected("/none").await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let response = challenged(&house, &[("authorization", "Bearer right")]).await;
    assert_eq!(response.header("www-authenticate"), None);
    assert_eq!(response.status, 200);
    let said = response.body().await;
    assert!(
        said.contains("answered 401") && said.contains("forward-authorization"),
        "{said}"
    );
    let health = house.gateway.current().servers()[0].health();
    assert!(health.last_failure.unwrap().what.contains("401"));
    assert!(tokens(&fake).iter().all(Option::is_none));
}
