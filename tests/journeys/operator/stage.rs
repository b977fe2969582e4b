//! A gateway before a server, with an admin socket and its policies.

use std::process::Command;

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::{Value, json};

/// Refuses what is not allowed, and masks e-mail addresses.
pub(crate) const POLICIES: &str = r#"
[[interceptors]]
name = "allow"
plugin = "builtin:allow-tools"
timeout = "20s"
settings = { rules = [{ who = ["*"], allow = ["desk/look*", "desk/broken"] }] }

[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
timeout = "20s"
settings = { entities = ["email"] }
"#;

pub(crate) struct Stage {
    pub(crate) server: FakeServer,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let text = |text: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":@ID@,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
            )
        };
        let failed =
            r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32603,"message":"the disk is full"}}"#;
        let script = Script::new()
            .on("\"lookup\"", &[&text("it is open")])
            .on(
                "\"look_up_customer\"",
                &[&text("write to anna@example.org")],
            )
            .on("\"broken\"", &[failed]);
        Self {
            server: FakeServer::http(script),
        }
    }

    pub(crate) fn config(&self, gateway: &str, rest: &str) -> String {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{gateway}\n{}\n{rest}",
            self.server.config("desk")
        )
    }
}

/// Has a shell start the command, which it finds in `"$@"`.
pub(crate) fn by_shell(command: &mut Command, script: &str) {
    let mut line = vec![command.get_program().to_owned()];
    line.extend(command.get_args().map(ToOwned::to_owned));
    let set: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    *command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(line).envs(set);
}

/// Calls a tool over HTTP, as a legacy client that is called `journey`, and gives the whole reply.
pub(crate) fn call(gateway: &Gateway, tool: &str) -> Value {
    let speaker = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
    let ask = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": { "ticket": 7 } },
    });
    let mut answers = speaker.say(ask.to_string().as_bytes());
    serde_json::from_slice(&answers.remove(0)).unwrap()
}
