//! Servers reached by HTTP.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Mutex;

use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;

use super::*;
use crate::Eras;

type Reply = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// What the server got.
#[derive(Debug)]
struct Got {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A server that gives prepared answers, one after another, and notes what it got.
#[derive(Clone, Default)]
struct Prepared {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Prepared {
    async fn serve(replies: impl IntoIterator<Item = Reply>) -> (Self, ServerConfig) {
        let prepared = Self::default();
        prepared.replies.lock().unwrap().extend(replies);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let serving = prepared.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let serving = serving.clone();
                let service = service_fn(move |request| serving.clone().answer(request));
                tokio::spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer configured".parse().unwrap());
        (prepared, config(Transport::Http { url, headers }))
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Reply, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.got.lock().unwrap().push(Got {
            method: parts.method,
            headers: parts.headers,
            body,
        });
        let next = self.replies.lock().unwrap().pop_front();
        Ok(next.unwrap_or_else(|| status(500, "text/plain", "nothing is prepared")))
    }

    fn got(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

fn status(code: u16, kind: &str, body: impl Into<Bytes>) -> Reply {
    let body = Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync();
    Response::builder()
        .status(code)
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

fn json(body: &'static str) -> Reply {
    status(200, "application/json; charset=utf-8", body)
}

fn nothing() -> Reply {
    let mut reply = status(202, "text/plain", "");
    reply.headers_mut().clear();
    reply
}

/// A stream in these pieces; `breaks`: the connection breaks after them.
fn events(pieces: &[&'static str], breaks: bool) -> Reply {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))
        .collect();
    let end = breaks.then(|| Err(std::io::Error::other("broken")));
    let body = BodyExt::boxed_unsync(StreamBody::new(
        stream::iter(pieces.into_iter().chain(end)).then(async |piece| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            piece
        }),
    ));
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(body)
        .unwrap()
}

fn endless(first: &'static str) -> Reply {
    let frames = stream::iter([Ok(Frame::data(Bytes::from_static(first.as_bytes())))])
        .chain(stream::pending());
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(BodyExt::boxed_unsync(StreamBody::new(frames)))
        .unwrap()
}

fn with(mut reply: Reply, name: &'static str, value: &'static str) -> Reply {
    reply.headers_mut().insert(name, value.parse().unwrap());
    reply
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;

#[tokio::test]
async fn a_message_goes_and_its_reply_comes_as_they_are() {
    let answer = "{ \"jsonrpc\":\"2.0\",\n \"id\":1.0, \"result\":{\"n\":1e400, \"resultType\":\"complete\"} }";
    let (prepared, config) = Prepared::serve([json(answer)]).await;
    let (server, conversation) = open(config, Era::Modern).await;
    let odd =
        format!("{{ \"jsonrpc\":\"2.0\",\"id\":1.0 ,\n\"method\":\"odd\",\"params\":{{{META}}}}}");
    let back = only(ask(&conversation, &message(&odd)).await.unwrap());
    assert_eq!(back.bytes(), answer);
    assert_eq!(prepared.got()[0].body, odd);
    assert_eq!(
        server.era().await.unwrap(),
        Eras {
            legacy: None,
            modern: Some(true)
        }
    );
}

#[tokio::test]
async fn a_reply_bears_the_callers_spelling_of_its_id() {
    let answers = [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}"#,
    ];
    let (_prepared, config) = Prepared::serve(answers.map(json)).await;
    let (_server, conversation) = open(config, Era::Legacy).await;
    for _ in answers {
        let back = only(
            ask(&conversation, &call("1.0", "echo", "{}"))
                .await
                .unwrap(),
        );
        assert_eq!(back.id().unwrap().as_str(), "1.0");
    }
}

#[tokio::test]
async fn a_legacy_session_is_learnt_kept_and_ended() {
    let hello = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18"}}"#;
    let replies = [
        with(json(hello), "mcp-session-id", "secret"),
        nothing(),
        json(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        events(&[": hi\n\n"], false),
        status(200, "text/plain", ""),
    ];
    let (prepared, config) = Prepared::serve(replies).await;
    let (server, conversation) = open(config, Era::Legacy).await;
    let answer = ask(&conversation, &call("0", "initialize", "{}"))
        .await
        .unwrap();
    assert!(answer.headers.get("mcp-session-id").is_none());
    assert_eq!(conversation.session_id().as_deref(), Some("secret"));
    let answer = conversation
        .send(&note("notifications/initialized", "{}"), &HeaderMap::new())
        .await
        .unwrap();
    assert!(matches!(answer.body, Body::Empty) && answer.status == 202);
    reply(&conversation, &call("1", "echo", "{}")).await;
    let mut client = HeaderMap::new();
    client.insert("last-event-id", "7".parse().unwrap());
    drop(stream(conversation.listen(&client).await.unwrap()));
    conversation.close().await;
    assert_eq!(server.era().await.unwrap().legacy, Some(true));

    let got = prepared.got();
    assert_eq!(got.len(), 5);
    assert_eq!(
        (
            got[0].header("mcp-session-id"),
            got[0].header("mcp-protocol-version")
        ),
        (None, None)
    );
    for later in &got[1..] {
        assert_eq!(later.header("mcp-session-id"), Some("secret"));
    }
    for later in &got[1..4] {
        assert_eq!(later.header("mcp-protocol-version"), Some("2025-06-18"));
    }
    assert_eq!(
        (&got[3].method, got[3].header("last-event-id")),
        // The server has shown no such event in this conversation.
        (&Method::GET, None)
    );
    assert_eq!(got[4].method, Method::DELETE);
}

#[tokio::test]
async fn a_dead_session_is_told_apart_from_what_is_merely_not_found() {
    let hello = r#"{"jsonrpc":"2.0","id":0,"result":{}}"#;
    let replies = [
        status(404, "text/plain", "where?"),
        with(json(hello), "mcp-session-id", "s"),
        status(404, "text/plain", "gone"),
        status(404, "text/plain", "where?"),
    ];
    let (_prepared, config) = Prepared::serve(replies).await;
    let (_server, conversation) = open(config, Era::Legacy).await;
    let answer = ask(&conversation, &call("0", "initialize", "{}"))
        .await
        .unwrap();
    assert!(answer.status == 404 && matches!(answer.body, Body::Empty));
    ask(&conversation, &call("0", "initialize", "{}"))
        .await
        .unwrap();
    let error = ask(&conversation, &call("1", "echo", "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::SessionGone { .. }), "{error}");
    assert_eq!(
        ask(&conversation, &call("1", "echo", "{}"))
            .await
            .unwrap()
            .status,
        404
    );
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn headers_say_what_the_body_says_and_the_clients_secrets_stay_here() {
    let ok = || json(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    let (prepared, config) = Prepared::serve([ok(), ok(), ok()]).await;
    let (_server, conversation) = open(config, Era::Modern).await;
    let mut client = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer client"),
        ("cookie", "a=b"),
        ("connection", "keep-alive, mcp-param-x"),
        ("host", "elsewhere"),
        ("origin", "http://evil"),
        ("mcp-session-id", "forged"),
        ("mcp-protocol-version", "2099-01-01"),
        ("mcp-name", "stale"),
        ("mcp-param-region", "eu"),
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("baggage", "a=1"),
    ] {
        client.insert(name, value.parse().unwrap());
    }
    for (method, params) in [
        ("tools/call", format!(r#"{{"name":"wéird",{META}}}"#)),
        ("resources/read", format!(r#"{{"uri":"file:///a",{META}}}"#)),
        ("tools/list", format!("{{{META}}}")),
    ] {
        conversation
            .request(&call("1", method, &params), &client)
            .await
            .unwrap();
    }
    let got = prepared.got();
    let names: Vec<_> = got
        .iter()
        .map(|got| (got.header("mcp-method"), got.header("mcp-name")))
        .collect();
    assert_eq!(
        names,
        [
            (Some("tools/call"), Some("=?base64?d8OpaXJk?=")),
            (Some("resources/read"), Some("file:///a")),
            (Some("tools/list"), None),
        ]
    );
    for got in got {
        assert_eq!(got.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(got.header("authorization"), Some("Bearer configured"));
        let mirrors = got.header("mcp-method") == Some("tools/call");
        assert_eq!(got.header("mcp-param-region"), mirrors.then_some("eu"));
        assert_eq!(got.header("traceparent"), Some(PARENT));
        assert_eq!(
            got.header("accept"),
            Some("application/json, text/event-stream")
        );
        assert!(got.header("host").unwrap().starts_with("127.0.0.1"));
        for name in [
            "cookie",
            "origin",
            "mcp-session-id",
            "tracestate",
            "baggage",
        ] {
            assert_eq!(got.header(name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn a_stream_comes_event_by_event_with_ids_and_times_and_nobodys_comments() {
    let pieces = [
        ": hello\n\nid: 1\nretry: 5\nda",
        "ta: \n\nevent: message\r\nid: 2\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"method\":\"notifications/message\"}\r\n\r",
        "\nevent: ping\ndata: now\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"\\u0061\",\"result\":{}}\n\n: tail\n\n",
    ];
    let (_prepared, config) =
        Prepared::serve([with(events(&pieces, false), "set-cookie", "a=b")]).await;
    let (_server, conversation) = open(config, Era::Legacy).await;
    let answer = ask(&conversation, &call(r#""a""#, "echo", "{}"))
        .await
        .unwrap();
    assert!(answer.headers.get("set-cookie").is_none());
    let events: Vec<_> = stream(answer).map(Result::unwrap).collect().await;
    assert_eq!(events.len(), 4);
    let mut out = bytes::BytesMut::new();
    events[0].write_sse(&mut out);
    assert_eq!(out, ":\n\n");
    out.clear();
    assert_eq!(
        (events[1].id.as_deref(), events[1].retry),
        (Some("1"), Some(5))
    );
    assert!(events[1].message.is_none());
    events[1].write_sse(&mut out);
    assert_eq!(out, "id: 1\nretry: 5\ndata: \n\n");
    out.clear();
    events[2].write_sse(&mut out);
    assert_eq!(
        out,
        "event: message\nid: 2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n"
    );
    assert_eq!(
        events[3].message.as_ref().unwrap().id().unwrap().as_str(),
        r#""a""#
    );
}

#[tokio::test]
async fn a_stream_that_breaks_passes_nothing_partial_and_ends_in_an_error() {
    let whole = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/a\"}\n\n";
    let half = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
    for breaks in [true, false] {
        let (_prepared, config) = Prepared::serve([events(&[whole, half], breaks)]).await;
        let (_server, conversation) = open(config, Era::Legacy).await;
        let mut events = stream(ask(&conversation, &call("1", "echo", "{}")).await.unwrap());
        assert_eq!(next(&mut events).await["method"], "notifications/a");
        assert!(matches!(
            events.next().await,
            Some(Err(ServerError::Cut { .. }))
        ));
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn a_stream_without_a_reply_is_a_failure_unless_a_legacy_client_may_resume_it() {
    let numbered = "id: 1\ndata:\n\n";
    for (era, numbered, fails) in [
        (Era::Legacy, numbered, false),
        (Era::Modern, numbered, true),
        (Era::Legacy, ": c\n\n", true),
    ] {
        let (_prepared, config) = Prepared::serve([events(&[numbered], false)]).await;
        let (_server, conversation) = open(config, era).await;
        let mut events = stream(ask(&conversation, &call("1", "echo", "{}")).await.unwrap());
        assert!(events.next().await.unwrap().is_ok());
        assert_eq!(
            events.next().await.is_some_and(|last| last.is_err()),
            fails,
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn silence_in_a_stream_is_an_error_and_comments_break_it() {
    let ping: &[&'static str] = &[": ping\n\n"; 100];
    let (_prepared, mut config) =
        Prepared::serve([events(ping, false), endless(": ping\n\n")]).await;
    config.request_timeout = Duration::from_millis(400);
    let (_server, conversation) = open(config, Era::Legacy).await;
    let events = stream(ask(&conversation, &call("1", "echo", "{}")).await.unwrap());
    let pings = events
        .filter(|event| std::future::ready(event.is_ok()))
        .count()
        .await;
    assert_eq!(pings, 100);
    let mut events = stream(ask(&conversation, &call("1", "echo", "{}")).await.unwrap());
    assert!(events.next().await.unwrap().is_ok());
    assert!(matches!(
        events.next().await,
        Some(Err(ServerError::Timeout { .. }))
    ));
}

#[tokio::test]
async fn refusals_come_back_by_their_status_and_with_words_that_are_an_error_for_the_request() {
    let modern = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"Unsupported protocol version"}}"#;
    let replies = [
        with(
            status(403, "text/html", "<p>no</p>"),
            "www-authenticate",
            "Bearer",
        ),
        status(400, "application/json", r#"{"detail":"not ours"}"#),
        status(400, "application/json", modern),
        status(
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"another's"}}"#,
        ),
        status(
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ),
        status(
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":1.0,"error":{"code":1,"message":"own"}}"#,
        ),
        with(status(405, "text/plain", "no"), "allow", "POST"),
    ];
    let (_prepared, config) = Prepared::serve(replies).await;
    let (_server, conversation) = open(config, Era::Legacy).await;
    let answer = ask(&conversation, &call("1", "echo", "{}")).await.unwrap();
    assert_eq!(
        (answer.status, answer.headers.get("content-type")),
        (StatusCode::FORBIDDEN, None)
    );
    assert!(!answer.headers.contains_key("www-authenticate"));
    assert!(matches!(answer.body, Body::Empty));
    let answer = ask(&conversation, &call("1", "echo", "{}")).await.unwrap();
    assert!(matches!(answer.body, Body::Empty));
    let answer = ask(&conversation, &call("1", "echo", "{}")).await.unwrap();
    assert!(answer.status == 400 && only(answer).bytes() == modern);
    for _ in 0..2 {
        let answer = ask(&conversation, &call("1", "echo", "{}")).await.unwrap();
        assert!(answer.status == 400 && matches!(answer.body, Body::Empty));
    }
    let answer = ask(&conversation, &call("1", "echo", "{}")).await.unwrap();
    assert_eq!(only(answer).id().unwrap().as_str(), "1");
    let answer = conversation.listen(&HeaderMap::new()).await.unwrap();
    assert_eq!(
        (answer.status, answer.headers["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}

#[tokio::test]
async fn what_is_not_mcp_is_garbage_and_what_is_too_large_is_said_to_be() {
    let replies = [
        json("<html>"),
        json(r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#),
        json(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#),
        status(200, "text/html", "hello"),
        with(
            json(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            "content-encoding",
            "gzip",
        ),
        nothing(),
        events(&["data: {\n\n"], false),
    ];
    let garbage = replies.len();
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#,
        "x".repeat(20_000)
    );
    let (_prepared, mut config) = Prepared::serve(replies.into_iter().chain([status(
        200,
        "application/json",
        large,
    )]))
    .await;
    config.limits.bytes = 10_000;
    let (_server, conversation) = open(config, Era::Legacy).await;
    for number in 0..garbage {
        let error = match ask(&conversation, &call("1", "echo", "{}")).await {
            Err(error) => error,
            Ok(answer) => stream(answer).next().await.unwrap().unwrap_err(),
        };
        assert!(
            matches!(error, ServerError::Garbage { .. }),
            "{number}: {error}"
        );
    }
    let error = ask(&conversation, &call("1", "echo", "{}"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServerError::TooLarge { limit: 10_000, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: ::http::Uri = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let mut config = config(Transport::Http {
        url,
        headers: HeaderMap::new(),
    });
    config.request_timeout = Duration::from_millis(300);
    let (_server, conversation) = open(config, Era::Legacy).await;
    let error = ask(&conversation, &call("1", "echo", "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::Timeout { .. }), "{error}");
    drop(listener);
    let error = ask(&conversation, &call("1", "echo", "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_stream_closes_the_response() {
    struct Told(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (tell, told) = tokio::sync::oneshot::channel();
    let told_by = Told(Some(tell));
    let beat = stream::unfold(told_by, async |told_by| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok(Frame::data(Bytes::from_static(b": beat\n\n"))), told_by))
    });
    let body = BodyExt::boxed_unsync(StreamBody::new(beat));
    let reply = Response::builder()
        .header("content-type", "text/event-stream")
        .body(body)
        .unwrap();
    let (_prepared, config) = Prepared::serve([reply]).await;
    let (_server, conversation) = open(config, Era::Modern).await;
    let mut events = stream(ask(&conversation, &call("1", "echo", "{}")).await.unwrap());
    assert!(events.next().await.unwrap().is_ok());
    drop(events);
    tokio::time::timeout(Duration::from_secs(5), told)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn an_http_server_is_asked_for_its_era_only_when_told_to() {
    let modern =
        r#"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28","2025-11-25"]}}"#;
    let (prepared, config) = Prepared::serve([json(modern)]).await;
    let server = Server::new(config);
    assert_eq!(server.era().await.unwrap(), Eras::default());
    assert!(prepared.got().is_empty());
    assert_eq!(
        server.probe().await.unwrap(),
        Eras {
            legacy: Some(true),
            modern: Some(true)
        }
    );
    assert_eq!(
        prepared.got()[0].header("mcp-method"),
        Some("server/discover")
    );

    let (prepared, config) =
        Prepared::serve([status(400, "text/plain", "Bad Request: no session")]).await;
    let server = Server::new(config);
    assert_eq!(server.probe().await.unwrap().modern, Some(false));
    assert_eq!(server.probe().await.unwrap().modern, Some(false));
    assert_eq!(prepared.got().len(), 1);
}
