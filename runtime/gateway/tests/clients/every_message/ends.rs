//! The client's end of a conversation, over HTTP or on a pair of streams: messages go in, messages come out.

use std::net::SocketAddr;
use std::time::Duration;

use sandgate_gateway::Endpoint;
use sandgate_message::Era;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::{INITIALIZED, PLAIN, Response, data, send};
use crate::house::House;

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Http,
    Stdio,
}

pub struct Client {
    way: Way,
    era: Era,
    at: SocketAddr,
    session: Option<String>,
    line: Option<mpsc::UnboundedSender<String>>,
    said: mpsc::UnboundedSender<String>,
    heard: mpsc::UnboundedReceiver<String>,
    over: CancellationToken,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Client {
    /// Nothing has been said yet.
    pub fn new(house: &House, way: Way, era: Era) -> Self {
        let (said, heard) = mpsc::unbounded_channel();
        let over = CancellationToken::new();
        let line = (way == Way::Stdio).then(|| pair_of_streams(house, said.clone(), over.clone()));
        Self {
            way,
            era,
            at: house.at,
            session: None,
            line,
            said,
            heard,
            over,
        }
    }

    /// The legacy beginning, its answer given back by `next`.
    pub async fn initialize(&mut self, text: &str) {
        if self.way == Way::Stdio {
            return self.say(text);
        }
        let response = send(self.at, "POST", "/mcp/s", PLAIN, text.as_bytes()).await;
        self.session = response.header("mcp-session-id").map(str::to_owned);
        hear(response, self.said.clone()).await;
    }

    /// Says that it is initialized, and listens.
    pub async fn settle(&self) {
        if self.way == Way::Stdio {
            return self.say(INITIALIZED);
        }
        let response = send(
            self.at,
            "POST",
            "/mcp/s",
            &self.headers(INITIALIZED),
            INITIALIZED.as_bytes(),
        )
        .await;
        assert_eq!(response.status, 202);
        let session = self.session.clone().unwrap();
        let headers = [
            ("accept", "text/event-stream"),
            ("mcp-session-id", session.as_str()),
        ];
        let stream = send(self.at, "GET", "/mcp/s", &headers, b"").await;
        if stream.status == 405 {
            return;
        }
        let (said, over) = (self.said.clone(), self.over.clone());
        tokio::spawn(async move {
            tokio::select! { () = hear(stream, said) => {} () = over.cancelled() => {} }
        });
    }

    /// Sends a message; what comes of it is given back by `next`.
    pub fn say(&self, text: &str) {
        let text = text.to_owned();
        if let Some(line) = &self.line {
            line.send(text).unwrap();
            return;
        }
        let headers: Vec<(String, String)> = self
            .headers(&text)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (at, said, over) = (self.at, self.said.clone(), self.over.clone());
        tokio::spawn(async move {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let heard = async {
                let response = send(at, "POST", "/mcp/s", &headers, text.as_bytes()).await;
                hear(response, said).await;
            };
            tokio::select! { () = heard => {} () = over.cancelled() => {} }
        });
    }

    fn headers<'a>(&'a self, text: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut headers = PLAIN.to_vec();
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id", session));
            headers.push(("mcp-protocol-version", "2025-06-18"));
        }
        if self.era == Era::Modern {
            headers.push(("mcp-protocol-version", "2026-07-28"));
            for (name, header) in [
                ("method", "mcp-method"),
                ("name", "mcp-name"),
                ("uri", "mcp-name"),
            ] {
                // A name of the first of its kind: samples have it before anything that is called so too.
                let mark = format!(r#""{name}":""#);
                let names = header == "mcp-method"
                    || ["tools/call", "prompts/get", "resources/read"]
                        .iter()
                        .any(|method| text.contains(&format!(r#""method":"{method}""#)));
                let given = headers.iter().any(|(given, _)| *given == header);
                if let (true, Some((_, rest))) = (names && !given, text.split_once(&mark)) {
                    headers.push((header, rest.split('"').next().unwrap()));
                }
            }
        }
        headers
    }

    pub async fn next(&mut self) -> String {
        tokio::time::timeout(Duration::from_secs(10), self.heard.recv())
            .await
            .expect("the client gets something")
            .unwrap()
    }
}

/// Every message of an answer, as it comes.
async fn hear(response: Response, said: mpsc::UnboundedSender<String>) {
    if response.header("content-type") != Some("text/event-stream") {
        let status = response.status;
        let body = response.body().await;
        if !body.is_empty() {
            let _ = said.send(body);
        } else if status >= 300 {
            let _ = said.send(format!("status {status}"));
        }
        return;
    }
    let mut events = response.events();
    while let Some(event) = events.next().await {
        if let Some(message) = data(&event) {
            let _ = said.send(message);
        }
    }
}

fn pair_of_streams(
    house: &House,
    said: mpsc::UnboundedSender<String>,
    over: CancellationToken,
) -> mpsc::UnboundedSender<String> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (input, output) = tokio::io::split(theirs);
    let (gateway, stop) = (house.gateway.clone(), over.clone());
    tokio::spawn(async move {
        Box::pin(gateway.serve_stdio(None, input, output, Endpoint::Server("s".into()), stop)).await
    });
    let (output, mut input) = tokio::io::split(ours);
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = said.send(line);
        }
    });
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        loop {
            let line =
                tokio::select! { line = receiver.recv() => line, () = over.cancelled() => None };
            let Some(line) = line else { break };
            if input
                .write_all(format!("{line}\n").as_bytes())
                .await
                .is_err()
            {
                break;
            }
        }
    });
    sender
}
