//! Outgoing HTTP: to where it was allowed, looked at before it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sandgate_host::Plugin;
use sandgate_message::{Failure, Interceptor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stand::{answer, failure, prepare, spec, within};

/// A server on loopback. `/to/URL` redirects there, `/hangs` never answers, everything else says hello.
struct Server {
    port: u16,
    reached: Arc<AtomicUsize>,
    gone: Arc<tokio::sync::Notify>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, reached, gone) = (
            listener.local_addr().unwrap().port(),
            Arc::default(),
            Arc::default(),
        );
        let server = Self {
            port,
            reached,
            gone,
        };
        let (reached, gone) = (server.reached.clone(), server.gone.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                reached.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, gone.clone()));
            }
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, gone: Arc<tokio::sync::Notify>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?;
    let answer = match path.strip_prefix("/to/") {
        Some(url) => format!(
            "HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        None if path == "/hangs" => {
            // Until the other side goes away.
            let _ = stream.read(&mut [0]).await;
            gone.notify_one();
            return None;
        }
        None => "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello".into(),
    };
    stream.write_all(answer.as_bytes()).await.ok()
}

async fn guest(hosts: &[String]) -> Plugin {
    let mut spec = spec("reaches-out");
    spec.grants.http = hosts.to_vec();
    prepare(spec).await.unwrap()
}

async fn get(plugin: &Plugin, url: &str) -> Value {
    answer(plugin, json!({ "url": url, "redirects": 3 })).await
}

fn denied(said: &Value) -> bool {
    said["error"] == "ErrorCode::HttpRequestDenied"
}

pub(crate) mod reaches_out {
    use super::*;

    #[tokio::test]
    async fn to_a_host_that_is_listed() {
        let server = Server::start().await;
        let plugin = guest(&[format!("127.0.0.1:{}", server.port)]).await;
        let said = get(&plugin, &server.url("")).await;
        assert_eq!(
            (&said["status"], &said["body"]),
            (&json!(200), &json!("hello")),
            "{said}"
        );
    }

    #[tokio::test]
    async fn to_nothing_without_the_grant() {
        let server = Server::start().await;
        let plugin = guest(&[]).await;
        assert_eq!(plugin.withheld()[0].what, "http *");
        assert!(denied(&get(&plugin, &server.url("")).await));
        assert_eq!(server.reached(), 0);
    }

    #[tokio::test]
    async fn to_nothing_that_is_not_listed() {
        let (listed, other) = (Server::start().await, Server::start().await);
        let plugin = guest(&[
            format!("127.0.0.1:{}", listed.port),
            "api.example.com".into(),
        ])
        .await;
        for url in [
            other.url(""),
            // Another spelling of the same address is another host.
            format!("http://127.1:{}/", listed.port),
            format!("http://2130706433:{}/", listed.port),
            format!("http://localhost:{}/", listed.port),
            format!("http://[::ffff:127.0.0.1]:{}/", listed.port),
            format!("http://0.0.0.0:{}/", listed.port),
            // What clouds tell machines about themselves.
            "http://169.254.169.254/latest/meta-data/".into(),
            "http://[fd00:ec2::254]/".into(),
            "http://api.example.com.evil.example/".into(),
            "http://evil.example/?api.example.com".into(),
            "http://api.example.com:8080/".into(),
        ] {
            let said = get(&plugin, &url).await;
            assert!(denied(&said), "{url}: {said}");
        }
        assert_eq!((listed.reached(), other.reached()), (0, 0));
    }

    #[tokio::test]
    async fn to_no_host_behind_another_ones_name() {
        let server = Server::start().await;
        let plugin = guest(&["api.example.com".into(), "api.example.com:80".into()]).await;
        let said = get(
            &plugin,
            &format!("http://api.example.com@127.0.0.1:{}/", server.port),
        )
        .await;
        assert!(said["error"].is_string(), "{said}");
        assert_eq!(server.reached(), 0);
    }

    #[tokio::test]
    async fn through_a_redirect_only_to_where_it_could_go_by_itself() {
        let (first, second, third) = (
            Server::start().await,
            Server::start().await,
            Server::start().await,
        );
        let listed = [&first, &second].map(|server| format!("127.0.0.1:{}", server.port));
        let plugin = guest(&listed).await;
        let said = get(&plugin, &first.url(&format!("to/{}", second.url("here")))).await;
        assert_eq!(
            (&said["status"], &said["url"]),
            (&json!(200), &json!(second.url("here"))),
            "{said}"
        );
        let said = get(&plugin, &first.url(&format!("to/{}", third.url("there")))).await;
        assert!(denied(&said) && said["url"] == third.url("there"), "{said}");
        assert_eq!(third.reached(), 0);
    }

    #[tokio::test]
    async fn to_this_machine_by_its_name_where_that_is_listed() {
        let server = Server::start().await;
        let plugin = guest(&[format!("localhost:{}", server.port)]).await;
        let said = get(&plugin, &format!("http://localhost:{}/", server.port)).await;
        assert_eq!(said["status"], 200, "{said}");
    }

    /// `127.1` is a name to us, and one that every C library resolves to this machine.
    #[tokio::test]
    async fn to_no_private_address_behind_a_listed_name() {
        let server = Server::start().await;
        let name = format!("127.1:{}", server.port);
        let said = get(
            &guest(std::slice::from_ref(&name)).await,
            &format!("http://{name}/"),
        )
        .await;
        assert_eq!(
            said["error"], "ErrorCode::DestinationIpProhibited",
            "{said}"
        );
        assert_eq!(server.reached(), 0);
        let said = get(
            &guest(&[format!("private:{name}")]).await,
            &format!("http://{name}/"),
        )
        .await;
        assert_eq!(said["status"], 200, "listed as private: {said}");
    }

    #[tokio::test]
    async fn to_nothing_by_a_name_that_does_not_resolve() {
        // Longer than any name can be: refused here, not by some server.
        let name = format!("{}.example", "a".repeat(64));
        let said = get(
            &guest(std::slice::from_ref(&name)).await,
            &format!("http://{name}/"),
        )
        .await;
        assert!(
            said["error"].as_str().unwrap().contains("DnsError"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn and_is_stopped_at_its_deadline_while_it_waits_for_the_answer() {
        let server = Server::start().await;
        let plugin = guest(&[format!("127.0.0.1:{}", server.port)]).await;
        let short = Duration::from_millis(100);
        let failure = failure(
            &plugin,
            within(short, json!({ "url": server.url("hangs") })),
        )
        .await;
        assert_eq!(failure, Failure::deadline(short));
        let gone = tokio::time::timeout(Duration::from_secs(5), server.gone.notified());
        gone.await.expect("the connection ends with the run");
        let said = get(&plugin, &server.url("")).await;
        assert_eq!(said["status"], 200, "the next call on that engine: {said}");
        let outcome = plugin
            .pre_call(within(Duration::from_secs(5), json!({})))
            .await;
        assert!(outcome.decision.is_ok());
    }
}
