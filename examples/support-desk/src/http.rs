//! Streamable HTTP at `/mcp`: POST in both eras; sessions, GET and DELETE for the legacy one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::Desk;
use crate::protocol::{self, Answer, Era, LEGACY, VERSION_KEY};

const BODY_LIMIT: usize = 4 << 20;
/// More sessions than anyone needs of an example; the next `initialize` is told to come back later.
const SESSION_LIMIT: usize = 1000;
/// Proxies close a connection that stays silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Events = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;
type Body = Either<Full<Bytes>, StreamBody<Events>>;

/// Who has a session, and the stream on which each is told what changed.
type Sessions = Mutex<HashMap<String, broadcast::Sender<Value>>>;

struct Endpoint {
    desk: Arc<Desk>,
    sessions: Sessions,
}

/// Serves `http://…/mcp` on a listening socket, until dropped; open connections end with it.
///
/// # Errors
/// Where the socket fails.
pub async fn serve_http(desk: Arc<Desk>, listener: TcpListener) -> io::Result<()> {
    let endpoint = Arc::new(Endpoint {
        desk,
        sessions: Sessions::default(),
    });
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        let endpoint = endpoint.clone();
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let endpoint = endpoint.clone();
                async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
            });
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is no concern of the others.
            let _ = server
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Endpoint {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.uri().path() != "/mcp" {
            return plain(StatusCode::NOT_FOUND, "the endpoint is /mcp");
        }
        if !is_local(request.headers()) {
            return plain(
                StatusCode::FORBIDDEN,
                "only pages and hosts of this machine may call",
            );
        }
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::POST => match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => self.post(&parts.headers, &body.to_bytes()),
                Err(_) => plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is larger than 4 MiB, or was cut off",
                ),
            },
            Method::GET => match self.session(&parts.headers) {
                Ok(news) => listen(news.subscribe()),
                Err((status, words)) => plain(status, words),
            },
            Method::DELETE => match self.session(&parts.headers) {
                Ok(_) => {
                    self.sessions
                        .lock()
                        .remove(text(&parts.headers, "mcp-session-id").unwrap_or_default());
                    plain(StatusCode::NO_CONTENT, "")
                }
                Err((status, words)) => plain(status, words),
            },
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, "POST, GET or DELETE"),
        }
    }

    fn post(&self, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(_) => return plain(StatusCode::BAD_REQUEST, "the body is not UTF-8"),
        };
        let message: Value = match serde_json::from_str(text) {
            Ok(message @ Value::Object(_)) => message,
            Ok(_) => {
                return reply(
                    StatusCode::BAD_REQUEST,
                    &Answer::error(&Value::Null, -32600, "not one message", None),
                );
            }
            Err(wrong) => {
                return reply(
                    StatusCode::BAD_REQUEST,
                    &Answer::error(&Value::Null, -32700, wrong.to_string(), None),
                );
            }
        };
        match Era::of(&message) {
            Era::Modern => self.modern(headers, &message, text),
            Era::Legacy => self.legacy(headers, &message, text),
        }
    }

    fn modern(&self, headers: &HeaderMap, message: &Value, body: &str) -> Response<Body> {
        if let Err(wrong) = check_headers(headers, message) {
            let refusal = Answer::error(&message["id"], -32020, wrong, None);
            return reply(StatusCode::BAD_REQUEST, &refusal);
        }
        let answer = protocol::answer(&self.desk, Era::Modern, message, body);
        self.tell(&answer);
        let status = match answer.error_code() {
            Some(-32601) => StatusCode::NOT_FOUND,
            Some(-32602 | -32022) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        reply(status, &answer)
    }

    fn legacy(&self, headers: &HeaderMap, message: &Value, body: &str) -> Response<Body> {
        if message["method"] != "initialize"
            && let Err((status, words)) = self.session(headers)
        {
            return plain(status, words);
        }
        let answer = protocol::answer(&self.desk, Era::Legacy, message, body);
        self.tell(&answer);
        let mut response = reply(StatusCode::OK, &answer);
        if message["method"] == "initialize" && answer.error_code().is_none() {
            let id = format!("{:032x}", rand::random::<u128>());
            let mut sessions = self.sessions.lock();
            if sessions.len() == SESSION_LIMIT {
                return plain(StatusCode::SERVICE_UNAVAILABLE, "too many sessions");
            }
            if let Ok(value) = id.parse() {
                response.headers_mut().insert("mcp-session-id", value);
            }
            sessions.insert(id, broadcast::Sender::new(16));
        }
        response
    }

    /// The session that a legacy request names, in a version that exists.
    fn session(
        &self,
        headers: &HeaderMap,
    ) -> Result<broadcast::Sender<Value>, (StatusCode, &'static str)> {
        if text(headers, "mcp-protocol-version").is_some_and(|version| !LEGACY.contains(&version)) {
            return Err((StatusCode::BAD_REQUEST, "unsupported MCP-Protocol-Version"));
        }
        let Some(id) = text(headers, "mcp-session-id") else {
            return Err((
                StatusCode::BAD_REQUEST,
                "no Mcp-Session-Id: initialize first",
            ));
        };
        let sessions = self.sessions.lock();
        sessions
            .get(id)
            .cloned()
            .ok_or((StatusCode::NOT_FOUND, "no such session: initialize again"))
    }

    fn tell(&self, answer: &Answer) {
        for news in &answer.news {
            for session in self.sessions.lock().values() {
                // Nobody listens on this session just now.
                let _ = session.send(news.clone());
            }
        }
    }
}

/// A modern request says in its headers what its body says; where they disagree, nobody knows what was meant.
fn check_headers(headers: &HeaderMap, message: &Value) -> Result<(), String> {
    let params = &message["params"];
    let name = match message["method"].as_str() {
        Some("tools/call" | "prompts/get") => Some(&params["name"]),
        Some("resources/read") => Some(&params["uri"]),
        _ => None,
    };
    let pairs = [
        ("mcp-protocol-version", Some(&params["_meta"][VERSION_KEY])),
        ("mcp-method", Some(&message["method"])),
        ("mcp-name", name),
    ];
    for (header, value) in pairs {
        if let Some(value) = value
            && text(headers, header).and_then(decoded).as_deref() != value.as_str()
        {
            return Err(format!(
                "the header {header} is missing or does not say what the body says"
            ));
        }
    }
    Ok(())
}

/// `=?base64?…?=` is how a header carries what no header may hold.
fn decoded(value: &str) -> Option<String> {
    match value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="))
    {
        Some(coded) => String::from_utf8(
            base64::engine::general_purpose::STANDARD
                .decode(coded)
                .ok()?,
        )
        .ok(),
        None => Some(value.to_owned()),
    }
}

/// Against DNS rebinding: a page from elsewhere has a foreign Origin, and a rebound name is a foreign Host.
fn is_local(headers: &HeaderMap) -> bool {
    let local = |name: &str| {
        let host = name.rsplit_once(':').map_or(
            name,
            |(host, port)| if port.contains(']') { name } else { host },
        );
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    };
    let origin = text(headers, "origin")
        .is_none_or(|origin| local(origin.split("://").nth(1).unwrap_or_default()));
    origin && text(headers, "host").is_none_or(local)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// One message goes out as JSON, several as a stream of events, none as 202.
fn reply(status: StatusCode, answer: &Answer) -> Response<Body> {
    let (status, kind, body) = match answer.messages.as_slice() {
        [] => return plain(StatusCode::ACCEPTED, ""),
        [message] => (status, "application/json", message.to_string()),
        messages => (
            StatusCode::OK,
            "text/event-stream",
            messages.iter().map(event).collect(),
        ),
    };
    response(status, kind, Either::Left(Full::from(body)))
}

fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// The stream of a GET: news as it comes, comments while there is none, and the end when the session ends.
fn listen(news: broadcast::Receiver<Value>) -> Response<Body> {
    let events = stream::unfold((news, true), |(mut news, first)| async move {
        let text = match first {
            true => ": listening\n\n".to_owned(),
            false => match tokio::time::timeout(KEEP_ALIVE, news.recv()).await {
                Ok(Ok(message)) => event(&message),
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => ":\n\n".to_owned(),
            },
        };
        Some((Ok(Frame::data(Bytes::from(text))), (news, false)))
    });
    response(
        StatusCode::OK,
        "text/event-stream",
        Either::Right(StreamBody::new(events.boxed())),
    )
}

fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    response(status, "text/plain", Either::Left(Full::from(words)))
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}
