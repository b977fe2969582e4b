//! A client over HTTP that knows what headers each era wants.

use std::io;

use crate::{Envelope, Era, Exchange, request, try_request};

/// A client over HTTP that says what each era wants said in the headers, and sends bodies as they are.
pub struct Speaker {
    url: String,
    era: Era,
    session: Option<String>,
}

impl Speaker {
    /// Begins a conversation: in the legacy era with `initialize`.
    ///
    /// # Panics
    /// Where the handshake fails.
    pub fn open(url: &str, era: Era) -> Self {
        Self::try_open(url, era).unwrap_or_else(|error| panic!("initialize: {error}"))
    }

    /// The same where the gateway may be away.
    ///
    /// # Errors
    /// The handshake fails.
    pub fn try_open(url: &str, era: Era) -> io::Result<Self> {
        let mut speaker = Self {
            url: url.to_owned(),
            era,
            session: None,
        };
        if era == Era::Legacy {
            let reply = speaker.try_post(Self::INITIALIZE)?;
            let (status, session) = (reply.status, reply.header("mcp-session-id"));
            speaker.session = session.map(str::to_owned);
            if status != 200 || speaker.session.is_none() {
                let said = reply.try_messages()?.concat();
                let said = format!("{status} {}", String::from_utf8_lossy(&said));
                return Err(io::Error::other(said));
            }
            let status = speaker.try_post(Self::INITIALIZED)?.status;
            if status != 202 {
                return Err(io::Error::other(format!("{status} to `initialized`")));
            }
        }
        Ok(speaker)
    }

    /// A request with which a legacy conversation begins.
    pub const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"journey","version":"1"}}}"#;
    /// The notification that follows it.
    pub const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

    /// Sends a message and gives the reply as it arrives.
    ///
    /// # Panics
    /// Where no reply comes.
    pub fn post(&self, message: &[u8]) -> Exchange {
        self.try_post(message)
            .unwrap_or_else(|error| panic!("POST {}: {error}", self.url))
    }

    /// The same where no reply need come.
    ///
    /// # Errors
    /// See [`try_request`].
    pub fn try_post(&self, message: &[u8]) -> io::Result<Exchange> {
        let envelope = Envelope::of(message);
        let mut headers = self.headers();
        headers.push(("content-type", "application/json"));
        if self.era == Era::Modern {
            headers.extend(
                envelope
                    .method
                    .as_deref()
                    .map(|method| ("mcp-method", method)),
            );
            if matches!(
                envelope.method.as_deref(),
                Some("tools/call" | "prompts/get" | "resources/read")
            ) {
                headers.extend(
                    envelope
                        .target
                        .as_deref()
                        .map(|target| ("mcp-name", target)),
                );
            }
        }
        try_request("POST", &self.url, &headers, message)
    }

    /// Sends a message and gives every message that answers it.
    pub fn say(&self, message: &[u8]) -> Vec<Vec<u8>> {
        self.post(message).messages()
    }

    /// Opens the stream on which a legacy server speaks unasked.
    pub fn listen(&self) -> Exchange {
        request("GET", &self.url, &self.headers(), b"")
    }

    /// The same where the gateway may be away.
    ///
    /// # Errors
    /// See [`try_request`].
    pub fn try_listen(&self) -> io::Result<Exchange> {
        try_request("GET", &self.url, &self.headers(), b"")
    }

    /// Ends a legacy session.
    pub fn end(&self) -> Exchange {
        request("DELETE", &self.url, &self.headers(), b"")
    }

    /// The same where the gateway may be away.
    ///
    /// # Errors
    /// See [`try_request`].
    pub fn try_end(&self) -> io::Result<Exchange> {
        try_request("DELETE", &self.url, &self.headers(), b"")
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![("accept", "application/json, text/event-stream")];
        match (self.era, &self.session) {
            (Era::Modern, _) => headers.push(("mcp-protocol-version", "2026-07-28")),
            (Era::Legacy, Some(session)) => {
                headers.push(("mcp-protocol-version", "2025-11-25"));
                headers.push(("mcp-session-id", session));
            }
            (Era::Legacy, None) => {}
        }
        headers
    }
}
