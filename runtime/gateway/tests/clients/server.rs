//! Servers that say what a test makes them say: over HTTP in this process, over stdio as a child.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What a server got.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: String,
    pub path: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
    pub fn rpc(&self) -> String {
        self.json()["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
    pub fn id(&self) -> String {
        self.json()["id"].to_string()
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What it answers.
pub enum Says {
    Json(String),
    JsonAs(u16, String),
    Text(u16, &'static str),
    Accepted,
    /// With headers, whatever they are.
    With(u16, Vec<(&'static str, String)>, String),
    /// Pieces of an event stream, as the test sends them.
    Stream(mpsc::Receiver<String>),
}

/// A stream of events that are there at once.
pub fn events(pieces: &[String]) -> Says {
    let (sender, receiver) = mpsc::channel(64);
    for piece in pieces {
        sender.try_send(piece.clone()).unwrap();
    }
    Says::Stream(receiver)
}

pub fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub fn hello(id: &str) -> String {
    result(
        id,
        r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{},"prompts":{}},"serverInfo":{"name":"fake","version":"1"}}"#,
    )
}

type Script = dyn Fn(&Got) -> Says + Send + Sync;

#[derive(Clone)]
pub struct Fake {
    pub at: SocketAddr,
    pub got: Arc<Mutex<Vec<Got>>>,
}

impl Fake {
    /// `script` answers whatever is not `initialize` or a notification.
    pub async fn legacy(script: impl Fn(&Got) -> Says + Send + Sync + 'static) -> Self {
        Self::new(move |got| match got.rpc().as_str() {
            "initialize" => Says::Json(hello(&got.id())),
            rpc if rpc.starts_with("notifications/") => Says::Accepted,
            _ => script(got),
        })
        .await
    }

    pub async fn new(script: impl Fn(&Got) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let (script, kept): (Arc<Script>, _) = (Arc::new(script), got.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, kept) = (script.clone(), kept.clone());
                let service =
                    service_fn(move |request| answer(script.clone(), kept.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { at, got }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.at)
    }

    /// The bodies of the requests of one method, in their order.
    pub fn bodies(&self, rpc: &str) -> Vec<String> {
        self.got
            .lock()
            .iter()
            .filter(|got| got.rpc() == rpc)
            .map(|got| got.body.clone())
            .collect()
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    script: Arc<Script>,
    kept: Arc<Mutex<Vec<Got>>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let got = Got {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body,
    };
    kept.lock().push(got.clone());
    let json = |status: u16, text: String| {
        http::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::from(text).boxed_unsync())
    };
    let response = match script(&got) {
        Says::Json(text) => json(200, text),
        Says::JsonAs(status, text) => json(status, text),
        Says::Text(status, text) => http::Response::builder()
            .status(status)
            .header("content-type", "text/plain")
            .body(Full::from(text).boxed_unsync()),
        Says::With(status, headers, text) => {
            let mut response = http::Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Full::from(text).boxed_unsync())
        }
        Says::Accepted => http::Response::builder()
            .status(202)
            .body(Full::default().boxed_unsync()),
        Says::Stream(receiver) => {
            let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
                Some((receiver.recv().await?, receiver))
            });
            let body = StreamBody::new(pieces.map(|piece| Ok(Frame::data(Bytes::from(piece)))));
            http::Response::builder()
                .header("content-type", "text/event-stream")
                .body(body.boxed_unsync())
        }
    };
    Ok(response.unwrap())
}

/// A legacy child: `initialize` as usual; `echo` comes back with the line it got, as base64; `verbatim` with the text of
/// `argv[1]` in place of the result; `die` ends it; `ask` makes it ask the client and answer with what it got.
pub const CHILD: &str = r#"
import base64, json, re, sys
out = sys.stdout.buffer
def say(text):
    out.write(text.encode() + b"\n"); out.flush()
waiting = {}
for line in sys.stdin.buffer:
    line = line.rstrip(b"\n")
    got = json.loads(line)
    method, id = got.get("method"), json.dumps(got.get("id"))
    if method == "initialize":
        say('{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"child","version":"1"}}}' % id)
    elif method == "verbatim":
        say('{"jsonrpc":"2.0","id":%s,"result":%s}' % (id, sys.argv[1]))
    elif method == "die" or method == "tools/call" and got["params"]["name"] == "die":
        sys.exit(3)
    elif method == "ask" or method == "tools/call" and got["params"]["name"] == "ask":
        waiting["q1"] = id
        say('{"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{"text":"please"}}')
    elif method is None and got.get("id") in waiting:
        say('{"jsonrpc":"2.0","id":%s,"result":{"answered":%s}}' % (waiting.pop(got["id"]), json.dumps(got.get("result", got.get("error")))))
    elif method == "server/discover":
        say('{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}' % id)
    elif method is not None and "id" in got:
        raw = re.search(rb'"id"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)', line).group(1).decode()
        say('{"jsonrpc":"2.0","id":%s,"result":{"got":"%s"}}' % (raw, base64.b64encode(line).decode()))
"#;
