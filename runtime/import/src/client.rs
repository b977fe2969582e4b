//! The entries for a client's own file, so that its calls go through the gateway. The servers keep the names by which
//! the user and the model know them.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::client_file::{Client, ClientFile};
use crate::entry::Imported;
use sandgate_config::Gateway;

pub(super) fn through_gateway(
    file: &ClientFile,
    servers: &[Imported],
    config_file: &Path,
) -> Value {
    let base = format!("http://{}/mcp", Gateway::default().listen.0);
    if file.client == Client::ClaudeDesktop {
        // Claude Desktop's file lists servers that it starts itself, and no URLs.
        let path = std::path::absolute(config_file).unwrap_or_else(|_| config_file.to_owned());
        return json!({ "mcpServers": { "sandgate": {
            "command": "sandgate",
            "args": ["run", "--stdio", "--config", path],
        } } });
    }
    let entry = |server: &Imported| {
        let url = format!("{base}/{}", server.name);
        match file.client {
            Client::Cursor | Client::Zed => json!({ "url": url }),
            Client::Windsurf => json!({ "serverUrl": url }),
            _ => json!({ "type": "http", "url": url }),
        }
    };
    let entries: Map<String, Value> = servers
        .iter()
        .filter(|server| server.file == file.path && !server.disabled)
        .map(|server| (server.given.clone(), entry(server)))
        .collect();
    let table = match file.client {
        Client::VsCode => "servers",
        Client::Zed => "context_servers",
        _ => "mcpServers",
    };
    json!({ table: entries })
}
