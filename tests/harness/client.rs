//! Real clients, each a script that follows a plan and prints in JSON what it saw.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Process, place};

const PATIENCE: Duration = Duration::from_secs(120);

/// A client library at the version of the lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// PyPI `fastmcp` 4: both eras.
    FastMcp,
    /// PyPI `mcp` 2: both eras; asks with `server/discover` first.
    McpModern,
    /// PyPI `mcp` 1: legacy alone.
    McpLegacy,
    /// npm `@modelcontextprotocol/sdk` 1: legacy alone.
    NodeSdk,
    /// npm `@modelcontextprotocol/client` 2: both eras; asks with `server/discover` first.
    NodeClient,
}

/// What a client is to do, beyond saying hello and listing the tools: `url`, or `command` and `args`; then, each if
/// given, `call {name, arguments}`, `read` (a resource's URI; lists them first), `prompt {name, arguments}` (likewise),
/// `calls` (a list of them), `answers {sampling, elicitation, roots}`: what it says when the server asks; without, it has
/// none of the three.
#[derive(Debug, Clone)]
pub struct Plan(Value);

impl Plan {
    /// Nothing beyond hello and the tools, for a server at a URL.
    pub fn http(url: &str) -> Self {
        Self(json!({ "url": url }))
    }

    /// Likewise, for a server that the client starts.
    pub fn stdio(command: &[String]) -> Self {
        // Where that is a gateway, it keeps its compiled policies away from the user's own.
        let env = json!({ "XDG_CACHE_HOME": place::cache(), "XDG_RUNTIME_DIR": place::cache() });
        Self(json!({ "command": command[0], "args": command[1..], "env": env }))
    }

    /// Adds what else to do: the keys of a plan.
    #[must_use]
    pub fn and(mut self, more: &Value) -> Self {
        self.0
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self
    }
}

impl Client {
    /// Every client there is.
    pub const ALL: [Self; 5] = [
        Self::FastMcp,
        Self::McpModern,
        Self::McpLegacy,
        Self::NodeSdk,
        Self::NodeClient,
    ];

    /// Whether it speaks 2026-07-28 with a server that does.
    pub fn is_modern(self) -> bool {
        matches!(self, Self::FastMcp | Self::McpModern | Self::NodeClient)
    }

    /// Follows a plan and gives what it saw: `version`, `server`, `capabilities`, `tools`, and `call`, `resources`,
    /// `read`, `prompts`, `prompt`, `calls` as planned; `asked`: what the server asked, in words. An error of the server to a request stands in its place as `{error}`.
    ///
    /// # Errors
    /// The script's stderr, where it failed or took too long.
    pub fn run(self, plan: &Plan) -> Result<Value, String> {
        let (program, script) = match self {
            Self::FastMcp => ("modern/bin/python", "fastmcp_client.py"),
            Self::McpModern => ("modern/bin/python", "mcp_modern.py"),
            Self::McpLegacy => ("legacy/bin/python", "mcp_legacy.py"),
            // Node looks for packages beside the script, so a copy lies beside them.
            Self::NodeSdk => ("", "sdk.mjs"),
            Self::NodeClient => ("", "client.mjs"),
        };
        let mut command = match program {
            "" => Command::new("node"),
            python => Command::new(place::peers().join(python)),
        };
        match program {
            "" => command.arg(place::peers().join(script)),
            _ => command.arg(place::clients().join(script)),
        };
        let mut process = Process::start(command.arg(plan.0.to_string()));
        match process.wait(PATIENCE) {
            Some(status) if status.success() => serde_json::from_str(&process.output())
                .map_err(|error| format!("{error}: {}", process.output())),
            status => Err(format!(
                "{self:?} with {}: {status:?}\n{}",
                plan.0,
                process.log()
            )),
        }
    }
}
