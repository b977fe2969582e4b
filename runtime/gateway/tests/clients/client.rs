//! A client that sees every byte: HTTP/1.1 by hand.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes, shorter than anybody waits.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    stream: TcpStream,
    buffer: Vec<u8>,
    chunked: bool,
    left: usize,
}

/// What a legacy client sends with each message.
pub const PLAIN: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

pub async fn send(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {at}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses early may have stopped reading.
    let _ = stream.write_all(body).await;
    Response::read(stream).await
}

impl Response {
    pub async fn read(mut stream: TcpStream) -> Self {
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
            let read = tokio::time::timeout(SOON, stream.read_buf(&mut buffer))
                .await
                .expect("no response")
                .unwrap();
            assert!(read > 0, "closed without a response");
        };
        let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
        buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
            .collect();
        let get = |name: &str| {
            headers
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
        };
        let chunked = get("transfer-encoding") == Some("chunked");
        let left = get("content-length").map_or(0, |length| length.parse().unwrap());
        Self {
            status,
            headers,
            stream,
            buffer,
            chunked,
            left,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(SOON, self.stream.read_buf(&mut self.buffer))
            .await
            .expect("nothing came");
        read.unwrap() > 0
    }

    /// The next piece of the body; none at its end.
    async fn piece(&mut self) -> Option<Vec<u8>> {
        if !self.chunked {
            while self.left > 0 && self.buffer.is_empty() {
                assert!(self.fill().await, "the body broke off");
            }
            let piece: Vec<u8> = self
                .buffer
                .drain(..self.left.min(self.buffer.len()))
                .collect();
            self.left -= piece.len();
            return (!piece.is_empty()).then_some(piece);
        }
        loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let size =
                    usize::from_str_radix(std::str::from_utf8(&self.buffer[..at]).unwrap(), 16)
                        .unwrap();
                if self.buffer.len() >= at + 2 + size + 2 {
                    let piece = self.buffer[at + 2..at + 2 + size].to_vec();
                    self.buffer.drain(..at + 2 + size + 2);
                    return (size > 0).then_some(piece);
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    pub async fn body(mut self) -> String {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await {
            body.extend(piece);
        }
        String::from_utf8(body).unwrap()
    }

    /// Events, as they come.
    pub fn events(self) -> Events {
        assert_eq!(self.header("content-type"), Some("text/event-stream"));
        Events {
            response: self,
            text: String::new(),
        }
    }

    /// The one message of the answer, whether alone or at the end of a stream.
    pub async fn message(self) -> String {
        if self.header("content-type") != Some("text/event-stream") {
            return self.body().await;
        }
        let mut events = self.events();
        let mut last = None;
        while let Some(event) = events.next().await {
            last = data(&event).or(last);
        }
        last.expect("a message")
    }
}

pub struct Events {
    response: Response,
    text: String,
}

impl Events {
    /// The next event, without its empty line; none at the end of the stream.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.text.find("\n\n") {
                let event = self.text[..at].to_owned();
                self.text.drain(..at + 2);
                return Some(event);
            }
            let piece = self.response.piece().await?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    pub async fn message(&mut self) -> String {
        loop {
            if let Some(data) = data(&self.next().await.expect("another event")) {
                return data;
            }
        }
    }

    /// Nothing comes for a while.
    pub async fn silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(100), self.next())
            .await
            .is_err()
    }
}

pub fn data(event: &str) -> Option<String> {
    event
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .map(str::to_owned)
}

pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"sampling":{}},"clientInfo":{"name":"test","version":"1"}}}"#;
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A legacy client with its session.
pub struct Session {
    pub at: SocketAddr,
    pub path: String,
    pub id: String,
    pub hello: String,
    pub key: Option<String>,
}

impl Session {
    pub async fn begin(at: SocketAddr, path: &str) -> Self {
        Self::begin_as(at, path, None).await
    }

    /// With a key.
    pub async fn begin_as(at: SocketAddr, path: &str, key: Option<&str>) -> Self {
        let key = key.map(|key| format!("Bearer {key}"));
        let mut headers = PLAIN.to_vec();
        headers.extend(key.as_deref().map(|key| ("authorization", key)));
        let response = send(at, "POST", path, &headers, INITIALIZE.as_bytes()).await;
        assert_eq!(response.status, 200);
        let id = response
            .header("mcp-session-id")
            .expect("a session")
            .to_owned();
        let hello = response.message().await;
        let session = Self {
            at,
            path: path.to_owned(),
            id,
            hello,
            key,
        };
        assert_eq!(session.post(INITIALIZED).await.status, 202);
        session
    }

    pub async fn post(&self, body: &str) -> Response {
        let mut headers = PLAIN.to_vec();
        headers.push(("mcp-session-id", &self.id));
        headers.push(("mcp-protocol-version", "2025-06-18"));
        headers.extend(self.authorization());
        send(self.at, "POST", &self.path, &headers, body.as_bytes()).await
    }

    fn authorization(&self) -> Option<(&str, &str)> {
        Some(("authorization", self.key.as_deref()?))
    }

    pub async fn ask(&self, body: &str) -> String {
        self.post(body).await.message().await
    }

    pub async fn get(&self) -> Response {
        let mut headers = vec![
            ("accept", "text/event-stream"),
            ("mcp-session-id", &self.id),
        ];
        headers.extend(self.authorization());
        send(self.at, "GET", &self.path, &headers, b"").await
    }

    pub async fn delete(&self) -> Response {
        let mut headers = vec![("mcp-session-id", self.id.as_str())];
        headers.extend(self.authorization());
        send(self.at, "DELETE", &self.path, &headers, b"").await
    }
}

/// A modern request: `params` is what stands in the object beside `_meta`.
pub fn modern(id: &str, method: &str, params: &str) -> String {
    let comma = if params.is_empty() { "" } else { "," };
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}{comma}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}

pub async fn ask_modern(
    at: SocketAddr,
    path: &str,
    method: &str,
    name: Option<&str>,
    body: &str,
) -> Response {
    let mut headers = PLAIN.to_vec();
    headers.push(("mcp-protocol-version", "2026-07-28"));
    headers.push(("mcp-method", method));
    headers.extend(name.map(|name| ("mcp-name", name)));
    send(at, "POST", path, &headers, body.as_bytes()).await
}
