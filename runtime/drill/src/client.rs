//! The drill's client: MCP without a session, over HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const VERSION: &str = "2026-07-28";
/// Longer than an answer may take that is worth a report.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer, in bytes: the stand-in's are small.
const LARGEST: usize = 1 << 20;

/// A client of the second gateway. Clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    uri: String,
    key: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn new(gateway: SocketAddr, server: &str, key: Option<String>) -> Self {
        Self {
            http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(),
            uri: format!("http://{gateway}/mcp/{server}"),
            key,
        }
    }

    /// The same client with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&self, method: &str, mut params: Value) -> io::Result<Answer> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": { "name": "drill", "version": env!("CARGO_PKG_VERSION") },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut request = Request::post(&self.uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION)
            .header("mcp-method", method);
        if let Some(name) = params["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = request
            .body(Full::from(message.to_string()))
            .map_err(io::Error::other)?;
        let began = Instant::now();
        let exchange = async {
            let response = self.http.request(request).await.map_err(io::Error::other)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(io::Error::other)?.to_bytes();
            Ok(Answer {
                status,
                text: String::from_utf8_lossy(&body).into_owned(),
                took: began.elapsed(),
            })
        };
        let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(late)
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> io::Result<Answer> {
        self.ask(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
        .await
    }
}
