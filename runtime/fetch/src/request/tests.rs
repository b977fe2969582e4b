#![allow(clippy::unwrap_used)]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{Reach, addresses};

/// A server that answers one request with this text, then a byte every 20 ms for ever.
async fn server(answer: String) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        let _ = stream.write_all(answer.as_bytes()).await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    (address, served)
}

async fn ask(url: &Url, at: SocketAddr, patience: Duration) -> Result<Answer, FetchError> {
    Request::get(url, patience)
        .send(async { Ok(vec![at]) })
        .await
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_address_that_was_judged_is_dialled_and_the_name_is_not_looked_up_again() {
    let (at, served) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into()).await;
    // No resolver knows this name.
    let url = Url::parse("http://rebound.invalid/a?b=c").unwrap();
    let answer = ask(&url, at, PATIENCE).await.unwrap();
    assert_eq!(answer.bytes(2).await.unwrap(), "ok");
    let head = served.await.unwrap();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: rebound.invalid\r\n"), "{head}");
}

#[tokio::test]
async fn a_name_of_a_forbidden_address_is_not_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let sent = Request::get(&url, PATIENCE).send(addresses(&url, Reach::Public));
    assert!(matches!(sent.await, Err(FetchError::NotPermitted)));
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept());
    assert!(accepted.await.is_err(), "somebody dialled");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (at, _) =
        server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n".into()).await;
    let url = Url::parse("http://localhost/").unwrap();
    let answer = ask(&url, at, PATIENCE).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes() {
    let url = Url::parse("http://localhost/").unwrap();
    let (at, _) = server("HTTP/1.1 200 OK\r\n\r\n0123456789".into()).await;
    let answer = ask(&url, at, PATIENCE).await.unwrap();
    let refused = answer.bytes(9).await.unwrap_err();
    assert!(matches!(refused, FetchError::TooLarge(9)), "{refused}");
    let long = "x".repeat(2 * MAX_HEAD);
    let (at, _) = server(format!("HTTP/1.1 200 OK\r\nlong: {long}\r\n\r\n")).await;
    let refused = ask(&url, at, PATIENCE).await.err().unwrap();
    assert!(matches!(refused, FetchError::Http(_)), "{refused}");
}

#[tokio::test]
async fn an_answer_that_does_not_end_ends_with_the_time_of_its_request() {
    let url = Url::parse("http://localhost/").unwrap();
    let patience = Duration::from_millis(300);
    let (at, _) = server("HTTP/1.1 200 OK\r\n\r\n".into()).await;
    let answer = ask(&url, at, patience).await.unwrap();
    let refused = answer.bytes(1 << 20).await.unwrap_err();
    assert!(matches!(refused, FetchError::Time(_)), "{refused}");
    // The time of the look-up counts, too.
    let forever = std::future::pending();
    let refused = Request::get(&url, patience)
        .send(forever)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, FetchError::Time(_)), "{refused}");
}

#[tokio::test]
async fn a_look_up_that_hangs_ends_with_the_time_of_its_request() {
    let url = Url::parse("http://hung.invalid/").unwrap();
    let patience = Duration::from_millis(100);
    let sent = Request::get(&url, patience).send(std::future::pending());
    let sent = tokio::time::timeout(PATIENCE, sent).await.unwrap();
    assert!(matches!(sent, Err(FetchError::Time(bound)) if bound == patience));
}
