//! The server that stands for a real one: two tools, one that reads and one that sends, whose answers the drill chooses.
//! It keeps what it was asked, does nothing, and takes the alerts of the drill.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The largest message, in bytes.
const LARGEST: usize = 1 << 20;
/// The most calls that it remembers.
const MOST: usize = 1000;
/// A call that is held ends after so long, whatever the drill does.
const LONGEST_HOLD: Duration = Duration::from_secs(30);

/// What the reading tool is said to do, before anybody changes it.
const HARMLESS: &str =
    "Reads a customer's ticket: what the customer wrote, and the customer's record.";

pub(crate) struct StandIn {
    /// The first part of its paths, which other users of the machine cannot know.
    secret: String,
    read: String,
    send: String,
    play: Mutex<Play>,
    /// Whether calls of the reading tool are held.
    hold: watch::Sender<bool>,
}

/// Where the stand-in is reached.
pub(crate) struct Urls {
    pub(crate) mcp: String,
    pub(crate) alerts: String,
}

struct Play {
    /// What the reading tool answers.
    reply: String,
    /// What the reading tool is said to do.
    description: String,
    /// The arguments of each call, in the order in which they came.
    heard: Vec<(String, Value)>,
}

impl StandIn {
    pub(crate) fn new(read: &str, send: &str) -> Arc<Self> {
        let play = Play {
            reply: String::new(),
            description: HARMLESS.to_owned(),
            heard: Vec::new(),
        };
        Arc::new(Self {
            secret: format!("{:032x}", rand::random::<u128>()),
            read: read.to_owned(),
            send: send.to_owned(),
            play: Mutex::new(play),
            hold: watch::Sender::new(false),
        })
    }

    /// The URLs at which it is a server and takes alerts, where it listens at `address`.
    pub(crate) fn urls(&self, address: SocketAddr) -> Urls {
        let base = format!("http://{address}/{}", self.secret);
        Urls {
            mcp: format!("{base}/mcp"),
            alerts: format!("{base}/alerts"),
        }
    }

    /// Sets what the reading tool answers.
    pub(crate) fn replies(&self, text: &str) {
        text.clone_into(&mut self.play.lock().reply);
    }

    /// Sets what the reading tool is said to do.
    pub(crate) fn describes(&self, text: &str) {
        text.clone_into(&mut self.play.lock().description);
    }

    /// Holds calls of the reading tool from now on, or lets them go.
    pub(crate) fn hold(&self, held: bool) {
        self.hold.send_replace(held);
    }

    /// How many calls it heard, the first thousand of them.
    pub(crate) fn heard(&self) -> usize {
        self.play.lock().heard.len()
    }

    /// Whether a call since the `n`-th carried this text.
    pub(crate) fn heard_text(&self, n: usize, text: &str) -> bool {
        let play = self.play.lock();
        let mut since = play.heard.iter().skip(n);
        since.any(|(_, arguments)| arguments.to_string().contains(text))
    }

    /// Serves until dropped.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            let (connection, _) = listener.accept().await?;
            let stand_in = self.clone();
            connections.spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    let stand_in = stand_in.clone();
                    async move { Ok::<_, Infallible>(stand_in.answer(request).await) }
                });
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A connection that breaks off is no concern of the others.
                let _ = server
                    .serve_connection(TokioIo::new(connection), service)
                    .await;
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().strip_prefix('/');
        let path = path.and_then(|path| path.strip_prefix(&*self.secret));
        let Some(path) = path.map(ToOwned::to_owned) else {
            return response(StatusCode::NOT_FOUND, &Value::Null);
        };
        let is_post = request.method() == http::Method::POST;
        let body = Limited::new(request.into_body(), LARGEST).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        match (&*path, is_post) {
            // The alert stands in the call log; here it is taken, and that is all.
            ("/alerts", true) => response(StatusCode::NO_CONTENT, &Value::Null),
            ("/mcp", true) => {
                let message: Value = serde_json::from_slice(&body).unwrap_or_default();
                self.reply(&message).await
            }
            _ => response(StatusCode::METHOD_NOT_ALLOWED, &Value::Null),
        }
    }

    async fn reply(&self, message: &Value) -> Response<Full<Bytes>> {
        let Some(id) = message.get("id") else {
            return response(StatusCode::ACCEPTED, &Value::Null);
        };
        let result = match message["method"].as_str() {
            Some("server/discover") => Ok(json!({
                "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
            })),
            Some("tools/list") => Ok(json!({ "tools": self.tools() })),
            Some("tools/call") => Ok(self.call(&message["params"]).await),
            _ => Err(json!({ "code": -32601, "message": "the stand-in has tools alone" })),
        };
        let (status, reply) = match result {
            Ok(mut result) => {
                complete(&mut result);
                let reply = json!({ "jsonrpc": "2.0", "id": id, "result": result });
                (StatusCode::OK, reply)
            }
            Err(error) => {
                let reply = json!({ "jsonrpc": "2.0", "id": id, "error": error });
                (StatusCode::NOT_FOUND, reply)
            }
        };
        response(status, &reply)
    }

    fn tools(&self) -> Value {
        let text = json!({ "type": "string" });
        let play = self.play.lock();
        json!([
            {
                "name": self.read, "description": play.description,
                "inputSchema": { "type": "object", "properties": { "id": text, "path": text, "url": text } },
            },
            {
                "name": self.send, "description": "Sends an e-mail to an address.",
                "inputSchema": {
                    "type": "object", "properties": { "to": text, "body": text }, "required": ["to", "body"],
                },
            },
        ])
    }

    async fn call(&self, params: &Value) -> Value {
        let name = params["name"].as_str().unwrap_or_default();
        {
            let mut play = self.play.lock();
            if play.heard.len() < MOST {
                play.heard
                    .push((name.to_owned(), params["arguments"].clone()));
            }
        }
        if name == self.read {
            let mut hold = self.hold.subscribe();
            let released = hold.wait_for(|held| !held);
            // Whoever waits no more has an answer in any case.
            let _ = tokio::time::timeout(LONGEST_HOLD, released).await;
        }
        let text = match name == self.read {
            true => self.play.lock().reply.clone(),
            false => "sent".to_owned(),
        };
        json!({ "content": [{ "type": "text", "text": text }] })
    }
}

/// What a result says beside its content. Nothing may be kept.
fn complete(result: &mut Value) {
    let more = json!({
        "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "stand-in", "version": env!("CARGO_PKG_VERSION") } },
    });
    let (Some(result), Value::Object(mut more)) = (result.as_object_mut(), more) else {
        return;
    };
    if result.contains_key("content") {
        more.retain(|name, _| name == "resultType" || name == "_meta");
    }
    result.append(&mut Map::from_iter(more));
}

fn response(status: StatusCode, message: &Value) -> Response<Full<Bytes>> {
    let body = match message {
        Value::Null => String::new(),
        message => message.to_string(),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Where a listener of loopback on a free port is, and itself.
pub(crate) async fn listen() -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok((listener.local_addr()?, listener))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn status(address: SocketAddr, path: &str) -> io::Result<String> {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.chars().skip(9).take(3).collect())
    }

    #[tokio::test]
    async fn whoever_does_not_know_its_paths_finds_nothing() -> io::Result<()> {
        let stand_in = StandIn::new("read", "send");
        let (address, listener) = listen().await?;
        let urls = stand_in.urls(address);
        let serving = tokio::spawn(stand_in.clone().serve(listener));
        for path in ["/mcp", "/alerts", "/", "//mcp"] {
            assert_eq!(status(address, path).await?, "404", "{path}");
        }
        for (url, expected) in [(&urls.mcp, "202"), (&urls.alerts, "204")] {
            let path = url.replace(&format!("http://{address}"), "");
            assert_eq!(status(address, &path).await?, expected, "{path}");
        }
        serving.abort();
        Ok(())
    }
}
