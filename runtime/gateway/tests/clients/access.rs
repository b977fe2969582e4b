use crate::client::{INITIALIZE, PLAIN, send};
use crate::house::{self, http};
use crate::server::{Fake, Says};

async fn served() -> (house::House, Fake) {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    (house::gateway(vec![], vec![http("s", &fake)]).await, fake)
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_turned_away_and_nothing_is_forwarded() {
    let (house, fake) = served().await;
    for foreign in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        let mut headers = PLAIN.to_vec();
        headers.push(foreign);
        let response = send(house.at, "POST", "/mcp/s", &headers, INITIALIZE.as_bytes()).await;
        assert_eq!(response.status, 403, "{foreign:?}");
    }
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_page_on_this_machine_is_let_in() {
    let (house, _fake) = served().await;
    let mut headers = PLAIN.to_vec();
    headers.push(("origin", "http://localhost:6274"));
    assert_eq!(
        send(house.at, "POST", "/mcp/s", &headers, INITIALIZE.as_bytes())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn health_and_readiness_say_how_the_gateway_is() {
    let (house, _fake) = served().await;
    assert_eq!(
        send(house.at, "GET", "/healthz", &[], b"")
            .await
            .body()
            .await,
        "ok\n"
    );
    house
        .gateway
        .status()
        .set_reload_error(Some("line 3: no such key".into()));
    let ready = send(house.at, "GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status, 200);
    let ready = ready.body().await;
    assert_eq!(
        ready,
        r#"{"ready":true,"version":1,"servers":["s"],"lastReloadError":"line 3: no such key"}"#
    );
}

#[tokio::test]
async fn what_is_not_an_endpoint_is_not_found() {
    let (house, _fake) = served().await;
    for path in ["/", "/mcp/", "/mcp/other", "/mcp/s/", "/MCP", "/mcp/s/x"] {
        assert_eq!(
            send(house.at, "POST", path, PLAIN, INITIALIZE.as_bytes())
                .await
                .status,
            404,
            "{path}"
        );
    }
    assert_eq!(
        send(house.at, "PUT", "/mcp/s", PLAIN, b"").await.status,
        405
    );
}

#[tokio::test]
async fn http_2_is_served_without_tls() {
    let (house, fake) = served().await;
    let stream = tokio::net::TcpStream::connect(house.at).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let ask = |host: String| {
        http::Request::post(format!("http://{host}/mcp/s"))
            .header("content-type", "application/json")
            .header("accept", "*/*")
            .body(http_body_util::Full::new(bytes::Bytes::from_static(
                INITIALIZE.as_bytes(),
            )))
            .unwrap()
    };
    let response = sender
        .send_request(ask(house.at.to_string()))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("mcp-session-id"));
    let before = fake.got.lock().len();
    assert_eq!(
        sender
            .send_request(ask("evil.example".into()))
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(fake.got.lock().len(), before);
}
