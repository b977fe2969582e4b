//! An author at a shell, in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::Value;

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder that nothing else is in.
pub(crate) struct Author {
    folder: tempfile::TempDir,
}

impl Author {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// `sandgate ARGUMENTS`, here.
    pub(crate) fn sandgate(&self, arguments: &[&str]) -> Said {
        self.run(Command::new(harness::sandgate()).args(arguments))
    }

    /// The same with another `PATH`.
    pub(crate) fn sandgate_with_path(&self, path: &str, arguments: &[&str]) -> Said {
        self.run(
            Command::new(harness::sandgate())
                .args(arguments)
                .env("PATH", path),
        )
    }

    /// Any program, here.
    pub(crate) fn run(&self, command: &mut Command) -> Said {
        let output = self.at_home(command).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// In this folder, with what an author has around them.
    pub(crate) fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // What the tests themselves are built with is nothing an author has; the compiler's results are kept between
        // runs, and what is fetched was fetched when the tests were built.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CARGO_") && name != "CARGO_HOME"
                || name.starts_with("RUST") && !name.starts_with("RUSTUP_")
            {
                command.env_remove(name);
            }
        }
        if !command.get_envs().any(|(name, _)| name == "PATH") {
            // What `make` installs for tests goes before what this machine has.
            let tools = harness::sandgate().with_file_name("../tools/bin");
            let path = std::env::var_os("PATH").unwrap_or_default();
            let all = std::iter::once(tools).chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(all).unwrap());
        }
        // One cache for all, so that an interpreter is compiled once: by whoever builds the first plugin with it.
        if !command.get_envs().any(|(name, _)| name == "XDG_CACHE_HOME") {
            command.env("XDG_CACHE_HOME", harness::cache());
        }
        let kept = harness::sandgate().with_file_name("plugin-kit");
        command
            .current_dir(self.folder.path())
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", kept)
            .env("GOCACHE", harness::sandgate().with_file_name("../go-build"))
            .env("GOPROXY", "off")
            .env("NO_COLOR", "1")
    }
}

/// A server that tells an address, whatever it is called with.
pub(crate) fn telling_server() -> FakeServer {
    let answer = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"Write to ada@example.com."}]}}"#;
    FakeServer::http(Script::new().on("tools/call", &[answer]))
}

/// A gateway with this one plugin before the server.
pub(crate) fn gateway(server: &FakeServer, plugin: &Path) -> Gateway {
    Gateway::start(&format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n[[interceptors]]\nname = \"mine\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n",
        server.config("fake")
    ))
}

/// The reply to a call of the tool `shell` with this command.
pub(crate) fn call(gateway: &Gateway, command: &str) -> Value {
    let params = serde_json::json!({ "name": "shell", "arguments": { "command": command } });
    call_with(gateway, &params.to_string())
}

/// The reply to a call of a tool with these params.
pub(crate) fn call_with(gateway: &Gateway, params: &str) -> Value {
    let mut params: Value = serde_json::from_str(params).unwrap();
    params["_meta"] = serde_json::json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let ask =
        serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(ask.to_string().as_bytes());
    serde_json::from_slice(&answers[0]).unwrap()
}
