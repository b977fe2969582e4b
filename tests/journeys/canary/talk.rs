//! A client that says whatever it is told to, in either era and over either transport.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Envelope, Era, Exchange, Gateway, Pipe, request};

/// A client in front of a gateway.
pub(crate) enum Talk {
    Http {
        url: String,
        era: Era,
        session: Option<String>,
        /// Sent with everything.
        headers: Vec<(String, String)>,
    },
    Stdio(Pipe, Era),
}

impl Talk {
    pub(crate) fn http(url: String, era: Era, headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| (String::from(*name), String::from(*value));
        Self::Http {
            url,
            era,
            session: None,
            headers: headers.iter().map(owned).collect(),
        }
    }

    pub(crate) fn era(&self) -> Era {
        match self {
            Self::Http { era, .. } | Self::Stdio(_, era) => *era,
        }
    }

    /// Says hello, where the era has it, as a client of this name; `id` goes before the ids of its messages.
    pub(crate) fn greet(&mut self, id: &str, client: &str) {
        if self.era() == Era::Modern {
            return;
        }
        let hello = format!(
            r#"{{"jsonrpc":"2.0","id":"{id}-hello","method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{"sampling":{{}}}},"clientInfo":{{"name":"{client}","version":"{client}"}}}}}}"#
        );
        match self.exchange(&hello) {
            None => drop(self.say(&hello)),
            Some(reply) => {
                let given = reply.header("mcp-session-id").map(str::to_owned);
                assert!(given.is_some(), "no session: {}", reply.status);
                if let Self::Http { session, .. } = self {
                    *session = given;
                }
            }
        }
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    /// A request: in the modern era its params say who speaks, under the client's name.
    pub(crate) fn ask(
        &mut self,
        id: &str,
        client: &str,
        method: &str,
        params: &str,
    ) -> Vec<String> {
        let params = match self.era() {
            Era::Legacy => params.to_owned(),
            Era::Modern => {
                let meta = format!(
                    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"{client}","version":"{client}"}}"#
                );
                match params.contains(r#""_meta":{"#) {
                    true => params.replacen(r#""_meta":{"#, &format!(r#""_meta":{{{meta},"#), 1),
                    false if params == "{}" => format!(r#"{{"_meta":{{{meta}}}}}"#),
                    false => format!(r#"{},"_meta":{{{meta}}}}}"#, &params[..params.len() - 1]),
                }
            }
        };
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}","params":{params}}}"#);
        self.say(&message)
    }

    /// A message as it is, and every message that answers it.
    pub(crate) fn say(&mut self, message: &str) -> Vec<String> {
        let messages = match (self.exchange(message), self) {
            (Some(reply), _) => reply.messages(),
            (None, Self::Stdio(pipe, _)) => pipe.say(message.as_bytes()),
            (None, Self::Http { .. }) => unreachable!("over HTTP there is an answer"),
        };
        let text = |message| String::from_utf8(message).unwrap();
        messages.into_iter().map(text).collect()
    }

    /// A reply to a question of the server's.
    pub(crate) fn answer(&mut self, message: &str) {
        match (self.exchange(message), self) {
            (Some(reply), _) => assert!(reply.status < 300, "{}", reply.status),
            (None, Self::Stdio(pipe, _)) => pipe.send(message.as_bytes()),
            (None, Self::Http { .. }) => unreachable!("over HTTP there is an answer"),
        }
    }

    /// The session's id on the wire.
    pub(crate) fn session(&self) -> Option<&str> {
        match self {
            Self::Http { session, .. } => session.as_deref(),
            Self::Stdio(..) => None,
        }
    }

    /// Bytes that are no message.
    pub(crate) fn blurt(&mut self, text: &str) -> String {
        match self {
            Self::Http { url, headers, .. } => {
                let mut all = vec![("content-type", "application/json")];
                all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
                let reply = request("POST", url, &all, text.as_bytes());
                assert_eq!(reply.status, 400, "{text}");
                String::from_utf8(reply.body()).unwrap()
            }
            Self::Stdio(pipe, _) => {
                pipe.send(text.as_bytes());
                String::from_utf8(pipe.next_line()).unwrap()
            }
        }
    }

    fn exchange(&self, message: &str) -> Option<Exchange> {
        let Self::Http {
            url,
            era,
            session,
            headers,
        } = self
        else {
            return None;
        };
        let envelope = Envelope::of(message.as_bytes());
        // What no header can have as it is.
        let plain = |name: &str| name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let named = envelope.target.as_deref().map(|name| match plain(name) {
            true => name.to_owned(),
            false => format!("=?base64?{}?=", STANDARD.encode(name)),
        });
        let mut all = vec![
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
        ];
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        match (era, session) {
            (Era::Legacy, Some(session)) => {
                all.push(("mcp-protocol-version", "2025-11-25"));
                all.push(("mcp-session-id", session));
            }
            (Era::Legacy, None) => {}
            (Era::Modern, _) => {
                all.push(("mcp-protocol-version", "2026-07-28"));
                let method = envelope.method.as_deref();
                all.extend(method.map(|method| ("mcp-method", method)));
                if matches!(
                    method,
                    Some("tools/call" | "prompts/get" | "resources/read")
                ) {
                    all.extend(named.as_deref().map(|name| ("mcp-name", name)));
                }
            }
        }
        Some(request("POST", url, &all, message.as_bytes()))
    }
}

/// A client over this transport, of the gateway's server of that name; on stdio the gateway is started for it.
pub(crate) fn stdio(
    config: &str,
    server: &str,
    era: Era,
    adjust: impl FnOnce(&mut std::process::Command),
) -> Talk {
    Talk::Stdio(Gateway::pipe_as(config, server, adjust), era)
}
