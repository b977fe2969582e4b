//! A gateway that records, before a server that says what it is told to say.

use std::path::{Path, PathBuf};
use std::process::Command;
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
    /// Records with these arguments, behind these policies, what a server says that is told what to say.
    pub(crate) fn recording(policies: &str, args: &[&str]) -> Self {
        Self::before(obedient(), Era::Legacy, policies, args)
    }

    /// The same, and records nothing.
    pub(crate) fn with(policies: &str) -> Self {
        Self::started(obedient(), Era::Legacy, policies, |_, _| {})
    }

    /// Records what a client of that era says to a server, and the other way.
    pub(crate) fn before(server: FakeServer, era: Era, policies: &str, args: &[&str]) -> Self {
        Self::started(server, era, policies, |command, folder| {
            command.arg("--record").arg(folder.join("calls")).args(args);
        })
    }

    fn started(
        server: FakeServer,
        era: Era,
        policies: &str,
        adjust: impl FnOnce(&mut Command, &Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&server, policies);
        let gateway = Gateway::start_as(&config, |command| adjust(command, folder.path()));
        let speaker = Speaker::open(&gateway.mcp("desk"), era);
        Self {
            gateway,
            server,
            folder,
            speaker,
        }
    }

    /// Asks something in the modern era; what the client gets.
    pub(crate) fn ask(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "journey", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        });
        let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut said = self.speaker.say(ask.to_string().as_bytes());
        serde_json::from_slice(&said.remove(0)).unwrap()
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
        self.segments()
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

    /// Writes the recording anew, each exchange as it is to be now, or without it.
    pub(crate) fn rewrite(&self, change: impl Fn(Value) -> Option<Value>) {
        let exchanges = self.exchanges().into_iter().filter_map(change);
        let lines: String = exchanges.map(|one| format!("{one}\n")).collect();
        let mut segments = self.segments();
        std::fs::write(segments.remove(0), lines).unwrap();
        for segment in segments {
            std::fs::remove_file(segment).unwrap();
        }
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = std::fs::read_dir(self.calls())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .filter(|path| !path.ends_with("left-out.jsonl"))
            .collect();
        paths.sort();
        paths
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

/// A server that answers a tool call with what its arguments say.
fn obedient() -> FakeServer {
    FakeServer::http_with(|heard| {
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
            _ => usual(&heard.body),
        }
    })
}

/// What a fake server says to what nobody told it.
pub(crate) fn usual(asked: &[u8]) -> Reply {
    match Script::new().answer(asked).pop() {
        Some(message) => Reply::Json(message),
        None => Reply::Status(202, "text/plain", Vec::new()),
    }
}

/// A plugin of the zoo under this name, put into a folder.
pub(crate) fn interceptor(folder: &Path, name: &str, guest: &str, more: &str) -> String {
    let plugin = folder.join(format!("{guest}.wasm"));
    std::fs::write(&plugin, sandgate_guests::find(guest).unwrap().bytes).unwrap();
    format!("[[interceptors]]\nname = {name:?}\nplugin = {plugin:?}\ntimeout = \"20s\"\n{more}\n")
}

/// A result of one text.
pub(crate) fn says(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}
