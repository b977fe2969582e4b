//! A gateway before one server, and a place for plugins.

use std::path::Path;

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::Value;

/// A server whose tools all answer alike, and a place for plugins.
pub(crate) struct Stage {
    pub(crate) server: FakeServer,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let answer = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"from":"server"}}"#;
        let server = FakeServer::http(Script::new().on("tools/call", &[answer]));
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A guest of the zoo as a file of that name.
    pub(crate) fn file(&self, name: &str, guest: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes(guest)).unwrap();
        path
    }

    pub(crate) fn config(&self, interceptors: &str) -> String {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n{interceptors}",
            self.server.config("fake")
        )
    }

    /// Calls a tool and gives the result.
    pub(crate) fn call(&self, gateway: &Gateway) -> Value {
        let ask = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let answers = Speaker::open(&gateway.mcp("fake"), Era::Modern).say(ask);
        let mut reply: Value = serde_json::from_slice(&answers[0]).unwrap();
        assert!(reply["result"].is_object(), "{reply}\n{}", gateway.log());
        reply["result"].take()
    }
}

pub(crate) fn interceptor(name: &str, plugin: &Path, more: &str) -> String {
    format!("[[interceptors]]\nname = \"{name}\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n{more}\n")
}

pub(crate) fn bytes(guest: &str) -> &'static [u8] {
    sandgate_guests::find(guest).unwrap().bytes
}
