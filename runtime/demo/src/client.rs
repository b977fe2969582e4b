//! A scripted MCP client over HTTP, in either era.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandgate_message::Era;
use serde_json::{Value, json};

/// The version that legacy clients of the demo ask for.
pub(super) const LEGACY: &str = "2025-11-25";
/// The version without a handshake.
pub(super) const MODERN: &str = "2026-07-28";

/// Longer than anything here takes; a demo that hangs says so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call got no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed.
    #[error("{uri}: {why}")]
    Connection {
        /// Where to.
        uri: String,
        /// What happened.
        why: String,
    },
    /// The answer is none.
    #[error("{uri} answered {status} to {method}: {body}")]
    Answer {
        /// Where to.
        uri: String,
        /// What was asked.
        method: String,
        /// The status.
        status: StatusCode,
        /// The beginning of what came.
        body: String,
    },
}

/// A client, after its handshake where its era has one.
pub(super) struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    pub(super) era: Era,
    session: Option<HeaderValue>,
    asked: u64,
}

/// A message, ready to be sent, also more than once.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) method: String,
    pub(super) params: Value,
    pub(super) body: String,
}

/// What came back.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) bytes: Bytes,
    pub(super) message: Value,
}

struct Raw {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    pub(super) async fn legacy(uri: Uri) -> Result<Self, ClientError> {
        let mut client = Self::new(uri, Era::Legacy);
        let client_info = json!({ "name": "demo", "version": env!("CARGO_PKG_VERSION") });
        let hello = client.question(
            "initialize",
            json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info }),
        );
        let raw = client.post(&hello).await?;
        client.session = raw.headers.get("mcp-session-id").cloned();
        if client.session.is_none() {
            return Err(client.unusable(&hello, &raw));
        }
        let method = "notifications/initialized";
        let body = json!({ "jsonrpc": "2.0", "method": method }).to_string();
        let ready = Question {
            method: method.into(),
            params: Value::Null,
            body,
        };
        let raw = client.post(&ready).await?;
        if raw.status != StatusCode::ACCEPTED {
            return Err(client.unusable(&ready, &raw));
        }
        Ok(client)
    }

    pub(super) fn modern(uri: Uri) -> Self {
        Self::new(uri, Era::Modern)
    }

    fn new(uri: Uri, era: Era) -> Self {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self {
            http,
            uri,
            era,
            session: None,
            asked: 0,
        }
    }

    /// The next request, as a client of this era writes it.
    pub(super) fn question(&mut self, method: &str, params: Value) -> Question {
        self.asked += 1;
        let mut sent = params.clone();
        if self.era == Era::Modern {
            sent["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": { "name": "demo", "version": env!("CARGO_PKG_VERSION") },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        let message =
            json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": sent });
        Question {
            method: method.to_owned(),
            params,
            body: message.to_string(),
        }
    }

    /// Sends it and reads the reply, a result or an error.
    pub(super) async fn ask(&self, question: &Question) -> Result<Reply, ClientError> {
        let raw = self.post(question).await?;
        match serde_json::from_slice::<Value>(&raw.body) {
            Ok(message) if message.get("id").is_some() => Ok(Reply {
                bytes: raw.body,
                message,
            }),
            _ => Err(self.unusable(question, &raw)),
        }
    }

    async fn post(&self, question: &Question) -> Result<Raw, ClientError> {
        let mut request = Request::post(self.uri.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        match self.era {
            Era::Legacy => {
                if let Some(session) = &self.session {
                    request = request
                        .header("mcp-session-id", session)
                        .header("mcp-protocol-version", LEGACY);
                }
            }
            Era::Modern => {
                request = request
                    .header("mcp-protocol-version", MODERN)
                    .header("mcp-method", &question.method);
                if let Some(name) = question.params["name"].as_str() {
                    request = request.header("mcp-name", name);
                }
            }
        }
        self.exchange(request, question.body.clone()).await
    }

    /// What a path beside the endpoint says, as JSON.
    pub(super) async fn look(&self, path: &'static str) -> Result<Value, ClientError> {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static(path));
        let uri = Uri::from_parts(parts).map_err(|error| self.broken(&error))?;
        let raw = self.exchange(Request::get(uri), String::new()).await?;
        serde_json::from_slice(&raw.body).map_err(|error| self.broken(&error))
    }

    async fn exchange(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> Result<Raw, ClientError> {
        let request = request
            .body(Full::from(body))
            .map_err(|error| self.broken(&error))?;
        let exchange = async {
            let response = self
                .http
                .request(request)
                .await
                .map_err(|error| self.broken(&error))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| self.broken(&error))?;
            Ok(Raw {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|late| Err(self.broken(&late)))
    }

    fn broken(&self, why: &dyn std::error::Error) -> ClientError {
        ClientError::Connection {
            uri: self.uri.to_string(),
            why: why.to_string(),
        }
    }

    fn unusable(&self, question: &Question, raw: &Raw) -> ClientError {
        let body = String::from_utf8_lossy(&raw.body);
        ClientError::Answer {
            uri: self.uri.to_string(),
            method: question.method.clone(),
            status: raw.status,
            body: body.chars().take(500).collect(),
        }
    }
}
