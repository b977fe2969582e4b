use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{PLAIN, Response, SOON, Session, send};
use crate::house::{self, http};
use crate::server::{Fake, Says, result};

#[tokio::test]
async fn malformed_messages_are_refused_before_anything_looks() {
    let fake = Fake::legacy(|got| Says::Json(result(&got.id(), "{}"))).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let before = fake.got.lock().len();
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("no JSON", b"{nonsense".to_vec(), 400),
        ("empty", b"".to_vec(), 400),
        (
            "duplicate keys",
            br#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#.to_vec(),
            400,
        ),
        (
            "duplicate keys, escaped",
            br#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"\u0078":2}}"#.to_vec(),
            400,
        ),
        (
            "invalid UTF-8",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(),
            400,
        ),
        (
            "a lone surrogate",
            br#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\ud800"}}"#.to_vec(),
            400,
        ),
        ("nested too deep", deep.into_bytes(), 400),
        (
            "a batch",
            br#"[{"jsonrpc":"2.0","id":1,"method":"x"}]"#.to_vec(),
            400,
        ),
        (
            "id null",
            br#"{"jsonrpc":"2.0","id":null,"method":"x"}"#.to_vec(),
            400,
        ),
        (
            "id an object",
            br#"{"jsonrpc":"2.0","id":{},"method":"x"}"#.to_vec(),
            400,
        ),
        (
            "another protocol",
            br#"{"jsonrpc":"1.0","id":1,"method":"x"}"#.to_vec(),
            400,
        ),
        ("too large", vec![b' '; (4 << 20) + 1], 413),
    ];
    for (what, body, status) in cases {
        let mut headers = PLAIN.to_vec();
        headers.push(("mcp-session-id", &session.id));
        let response = send(house.at, "POST", "/mcp/s", &headers, &body).await;
        assert_eq!(response.status, status, "{what}");
        let error: serde_json::Value = serde_json::from_str(&response.body().await).unwrap();
        assert!(
            error["id"].is_null() && error["error"]["code"].is_i64(),
            "{what}: {error}"
        );
    }
    assert_eq!(fake.got.lock().len(), before, "something was forwarded");
}

#[tokio::test]
async fn wrong_types_are_refused() {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let both = "application/json, text/event-stream";
    let cases = [
        (vec![("content-type", "text/plain"), ("accept", both)], 415),
        (vec![("accept", both)], 415),
        (
            vec![
                ("content-type", "application/json; charset=utf-16"),
                ("accept", both),
            ],
            415,
        ),
        (
            vec![
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
                ("accept", both),
            ],
            415,
        ),
        (
            vec![
                ("content-type", "application/json"),
                ("accept", "text/html"),
            ],
            406,
        ),
        (
            vec![
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
            406,
        ),
    ];
    for (headers, status) in cases {
        assert_eq!(
            send(house.at, "POST", "/mcp/s", &headers, b"{}")
                .await
                .status,
            status,
            "{headers:?}"
        );
    }
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_request_of_two_lengths_or_a_broken_header_is_refused() {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let body = crate::client::INITIALIZE;
    let start = format!(
        "POST /mcp/s HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: */*\r\n",
        house.at
    );
    let cases = [
        format!(
            "{start}content-length: {}\r\ncontent-length: 3\r\n\r\n{body}",
            body.len()
        ),
        format!(
            "{start}x: a\rb\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        format!("{start}content-length: x\r\n\r\n{body}"),
    ];
    for case in cases {
        let mut stream = TcpStream::connect(house.at).await.unwrap();
        stream.write_all(case.as_bytes()).await.unwrap();
        assert_eq!(Response::read(stream).await.status, 400, "{case}");
    }
    assert!(fake.got.lock().is_empty());
}

/// Both lengths in one request: the gateway may read the chunks or refuse, but what follows them is never a request.
#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let text = format!(
        "POST /mcp/s HTTP/1.1\r\nhost: {0}\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: {0}\r\n\r\n",
        house.at
    );
    let mut stream = TcpStream::connect(house.at).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(
        std::time::Duration::from_millis(500),
        stream.read_to_end(&mut said),
    )
    .await;
    assert!(
        String::from_utf8_lossy(&said).starts_with("HTTP/1.1 400"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    let config = sandgate_gateway::GatewayConfig {
        header_timeout: std::time::Duration::from_millis(50),
        body_timeout: std::time::Duration::from_millis(50),
        ..Default::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    for start in ["", "P", "PRI * HT", "POST /mcp/s HTTP/1.1\r\nhost: x"] {
        let mut stream = TcpStream::connect(house.at).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "{start:?}");
    }
    // One that has been answered may not stay for ever either.
    let mut stream = TcpStream::connect(house.at).await.unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", house.at);
    stream.write_all(request.as_bytes()).await.unwrap();
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "an idle connection stayed");
    let mut stream = TcpStream::connect(house.at).await.unwrap();
    let head = format!(
        "POST /mcp/s HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: 9\r\n\r\n{{",
        house.at
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Response::read(stream).await.status, 408);
}
