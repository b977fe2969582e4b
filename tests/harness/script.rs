//! What a fake server says to what.

use crate::Envelope;

/// Answers by what a request holds. `@ID@` in an answer becomes the request's id as it was spelt.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// A text that the request must hold, and the messages that answer it: notifications first, the reply last.
    entries: Vec<(String, Vec<String>)>,
}

impl Script {
    /// A script that knows `initialize` (2025-11-25), `server/discover` (2026-07-28) and empty lists.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer; the first entry that fits is taken.
    #[must_use]
    pub fn on(mut self, needle: &str, messages: &[&str]) -> Self {
        self.entries.push((
            needle.to_owned(),
            messages.iter().map(|&message| message.to_owned()).collect(),
        ));
        self
    }

    /// The messages that answer a request; none for what wants no answer.
    pub fn answer(&self, message: &[u8]) -> Vec<Vec<u8>> {
        let envelope = Envelope::of(message);
        let (Some(method), Some(id)) = (&envelope.method, &envelope.id) else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(message);
        let scripted = self
            .entries
            .iter()
            .find(|(needle, _)| text.contains(needle.as_str()));
        let messages =
            scripted.map_or_else(|| vec![usual(method)], |(_, messages)| messages.clone());
        messages
            .iter()
            .map(|message| message.replace("@ID@", id).into_bytes())
            .collect()
    }

    /// For the fake server on stdio, which is another process.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.entries).unwrap()
    }

    /// # Panics
    /// Where it is not what `to_json` gave.
    pub fn from_json(text: &str) -> Self {
        Self {
            entries: serde_json::from_str(text).unwrap(),
        }
    }
}

fn usual(method: &str) -> String {
    const CAPABILITIES: &str = r#""capabilities":{"tools":{},"resources":{},"prompts":{}}"#;
    const LIST: &str = r#""resultType":"complete","ttlMs":0,"cacheScope":"private""#;
    let result = match method {
        "initialize" => {
            format!(r#"{{"protocolVersion":"2025-11-25",{CAPABILITIES},"serverInfo":{{"name":"fake","version":"1"}}}}"#)
        }
        "server/discover" => format!(r#"{{"supportedVersions":["2026-07-28","2025-11-25"],{CAPABILITIES},{LIST}}}"#),
        "ping" => "{}".to_owned(),
        "tools/list" => format!(r#"{{"tools":[],{LIST}}}"#),
        "resources/list" => format!(r#"{{"resources":[],{LIST}}}"#),
        "resources/templates/list" => format!(r#"{{"resourceTemplates":[],{LIST}}}"#),
        "prompts/list" => format!(r#"{{"prompts":[],{LIST}}}"#),
        _ => return r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32601,"message":"not in the script"}}"#.to_owned(),
    };
    format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
}
