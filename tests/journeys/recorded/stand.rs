//! A gateway that records, before a server that says what it is told to say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{Ended, Era, FakeServer, Gateway, Reply, Script, Speaker};
use serde_json::{Value, json};

/// The name of the member of the arguments that says what the server is to answer.
const ANSWER: &str = "answer";

/// Masks personal data.
pub(crate) const SCRUB: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
timeout = "20s"
"#;

/// A gateway, its server, and where it records to.
pub(crate) struct Stand {
    pub(crate) gateway: Gateway,
    server: FakeServer,
    folder: tempfile::TempDir,
    speaker: Speaker,
}

impl Stand {
    /// Records with these arguments; behind these policies.
    pub(crate) fn recording(policies: &str, args: &[&str]) -> Self {
        let server = FakeServer::http_with(|heard| {
            if heard.verb != "POST" {
                return Reply::Status(405, "text/plain", Vec::new());
            }
            let asked: Value = serde_json::from_slice(&heard.body).unwrap();
            let answer = &asked["params"]["arguments"][ANSWER];
            match (asked["method"].as_str(), answer) {
                (Some("tools/call"), answer) if !answer.is_null() => {
                    let said = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": answer });
                    Reply::Json(said.to_string().into_bytes())
                }
                _ => match Script::new().answer(&heard.body).pop() {
                    Some(message) => Reply::Json(message),
                    None => Reply::Status(202, "text/plain", Vec::new()),
                },
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let config = config(&server, policies);
        let gateway = Gateway::start_as(&config, |command| {
            command
                .arg("--record")
                .arg(folder.path().join("calls"))
                .args(args);
        });
        let speaker = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
        Self {
            gateway,
            server,
            folder,
            speaker,
        }
    }

    /// Calls a tool, which answers with this result; what the client gets.
    pub(crate) fn call(&self, tool: &str, mut arguments: Value, answer: &Value) -> Value {
        arguments[ANSWER] = answer.clone();
        let params = json!({ "name": tool, "arguments": arguments });
        let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let mut said = self.speaker.say(ask.to_string().as_bytes());
        serde_json::from_slice(&said.remove(0)).unwrap()
    }

    /// Ends the gateway, and with it the recording.
    pub(crate) fn end(&mut self) {
        let status = self.gateway.stop(Duration::from_secs(60));
        assert!(
            status.is_some_and(|status| status.success()),
            "{}",
            self.gateway.log()
        );
    }

    /// Where it recorded to.
    pub(crate) fn calls(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// Everything that was recorded, as it lies there.
    pub(crate) fn recorded(&self) -> String {
        let mut paths: Vec<_> = std::fs::read_dir(self.calls())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// The exchanges of a recording with surrogates.
    pub(crate) fn exchanges(&self) -> Vec<Value> {
        let recorded = self.recorded();
        recorded
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A configuration with other policies before the same server.
    pub(crate) fn config(&self, name: &str, policies: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, config(&self.server, policies)).unwrap();
        path
    }

    /// `sandgate replay` of the recording.
    pub(crate) fn replay(&self, config: &Path, args: &[&str]) -> Ended {
        let (calls, config) = (self.calls(), config.display().to_string());
        let mut all = vec!["replay", calls.to_str().unwrap(), "--config", &config];
        all.extend(args);
        self.gateway.command(&all)
    }

    /// The same, as JSON.
    pub(crate) fn replayed(&self, config: &Path, args: &[&str]) -> Value {
        let ended = self.replay(config, &[args, &["--json"]].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        serde_json::from_str(&ended.output).unwrap()
    }
}

fn config(server: &FakeServer, policies: &str) -> String {
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n\n{}\n{policies}",
        server.config("desk")
    )
}

/// A result of one text.
pub(crate) fn says(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}
