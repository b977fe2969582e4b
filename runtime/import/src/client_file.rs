//! Tells which client a file belongs to, and where in it the servers are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use serde_json::{Map, Value};

use crate::ImportError;

/// An MCP client that keeps a list of servers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    Windsurf,
    VsCode,
    Zed,
    /// Any other client whose file has `mcpServers`.
    Other,
}

/// A client's file.
pub(super) struct ClientFile {
    pub(super) path: PathBuf,
    pub(super) client: Client,
    /// The servers by name, sorted.
    pub(super) servers: BTreeMap<String, Value>,
    /// For VS Code: what each input is for, by its id.
    pub(super) inputs: BTreeMap<String, String>,
}

impl Client {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::Windsurf => "Windsurf",
            Self::VsCode => "VS Code",
            Self::Zed => "Zed",
            Self::Other => "an MCP client",
        }
    }
}

/// Prints no content, which holds secrets.
impl std::fmt::Debug for ClientFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientFile({})", self.path.display())
    }
}

impl ClientFile {
    /// Parses JSON with comments and trailing commas.
    pub(super) fn read(path: &Path, text: &str) -> Result<Self, ImportError> {
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let text = text.trim_start_matches('\u{feff}');
        let value: Value = jsonc_parser::parse_to_serde_value(text, &options).map_err(|error| {
            ImportError::Syntax {
                path: path.to_owned(),
                what: error.to_string(),
            }
        })?;
        let shape = |found: String| ImportError::Shape {
            path: path.to_owned(),
            found,
        };
        let Value::Object(root) = &value else {
            return Err(shape(format!("it is {}", kind(&value))));
        };
        let Some((client, servers)) = servers(path, root) else {
            let keys: Vec<_> = root.keys().take(10).map(|key| format!("`{key}`")).collect();
            return Err(shape(match keys.is_empty() {
                true => "it is an empty object".into(),
                false => format!("its keys are {}", keys.join(", ")),
            }));
        };
        if servers.is_empty() {
            return Err(shape("its list of servers is empty".into()));
        }
        Ok(Self {
            path: path.to_owned(),
            client,
            servers,
            inputs: inputs(root),
        })
    }
}

/// Every listed server, wherever the client lists it.
fn servers(path: &Path, root: &Map<String, Value>) -> Option<(Client, BTreeMap<String, Value>)> {
    let table = |value: Option<&Value>| -> Option<BTreeMap<String, Value>> {
        let members = value?.as_object()?.iter();
        Some(members.map(|(k, v)| (k.clone(), v.clone())).collect())
    };
    let within = |outer: &str, inner: &str| table(root.get(outer)?.get(inner));
    if let Some(servers) = table(root.get("context_servers")) {
        return Some((Client::Zed, servers));
    }
    if let Some(servers) = table(root.get("servers"))
        .or_else(|| within("mcp", "servers"))
        .or_else(|| table(root.get("mcp.servers")))
    {
        return Some((Client::VsCode, servers));
    }
    // Claude Code keeps a list for each project besides the user's own.
    let projects = root.get("projects").and_then(Value::as_object);
    let of_projects = projects
        .into_iter()
        .flat_map(|projects| projects.values())
        .filter_map(|project| table(project.get("mcpServers")));
    let mut all: BTreeMap<String, Value> = of_projects.flatten().collect();
    let own = table(root.get("mcpServers"));
    let listed = own.is_some() || !all.is_empty();
    all.extend(own.into_iter().flatten());
    if listed {
        return Some((client_of(path, &all), all));
    }
    // The table may also stand alone, as many pages show it.
    let entry = |value: &Value| value.get("command").is_some() || value.get("url").is_some();
    if !root.is_empty() && root.values().all(entry) {
        let all = table(Some(&Value::Object(root.clone())))?;
        return Some((client_of(path, &all), all));
    }
    None
}

fn client_of(path: &Path, servers: &BTreeMap<String, Value>) -> Client {
    let name = path.file_name().and_then(|name| name.to_str());
    let below = |folder: &str| path.iter().any(|part| part == folder);
    match name.unwrap_or_default() {
        "claude_desktop_config.json" => Client::ClaudeDesktop,
        ".mcp.json" | ".claude.json" => Client::ClaudeCode,
        "mcp_config.json" => Client::Windsurf,
        _ if below(".cursor") => Client::Cursor,
        _ if below("windsurf") || below(".windsurf") => Client::Windsurf,
        _ if servers.values().any(|one| one.get("serverUrl").is_some()) => Client::Windsurf,
        _ => Client::Other,
    }
}

fn inputs(root: &Map<String, Value>) -> BTreeMap<String, String> {
    let settings = root.get("mcp").and_then(|mcp| mcp.get("inputs"));
    let inputs = root.get("inputs").or(settings).and_then(Value::as_array);
    let text = |input: &Value, key: &str| Some(input.get(key)?.as_str()?.to_owned());
    inputs
        .into_iter()
        .flatten()
        .filter_map(|input| {
            let id = text(input, "id")?;
            let description = text(input, "description").unwrap_or_else(|| id.clone());
            Some((id, description))
        })
        .collect()
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(path: &str, text: &str) -> Result<ClientFile, ImportError> {
        ClientFile::read(Path::new(path), text)
    }

    #[test]
    fn each_client_is_known_by_its_file() {
        let common = r#"{"mcpServers": {"a": {"command": "x"}}}"#;
        for (path, text, client) in [
            ("claude_desktop_config.json", common, Client::ClaudeDesktop),
            ("project/.mcp.json", common, Client::ClaudeCode),
            (".cursor/mcp.json", common, Client::Cursor),
            ("mcp_config.json", common, Client::Windsurf),
            ("x.json", common, Client::Other),
            (
                "x.json",
                r#"{"servers": {"a": {"command": "x"}}}"#,
                Client::VsCode,
            ),
            (
                "x.json",
                r#"{"mcp": {"servers": {"a": {"url": "x"}}}}"#,
                Client::VsCode,
            ),
            (
                "x.json",
                r#"{"context_servers": {"a": {"command": "x"}}}"#,
                Client::Zed,
            ),
            ("x.json", r#"{"a": {"command": "x"}}"#, Client::Other),
            (
                ".claude.json",
                r#"{"projects": {"/p": {"mcpServers": {"a": {"command": "x"}}}}}"#,
                Client::ClaudeCode,
            ),
        ] {
            let file = read(path, text).unwrap();
            assert_eq!(file.client, client, "{path}");
            assert!(file.servers.contains_key("a"), "{path}");
        }
    }

    #[test]
    fn comments_and_trailing_commas_are_read() {
        let text =
            "\u{feff}{ // mine\n \"servers\": { \"a\": { \"command\": \"x\", /* no */ }, }, }";
        assert_eq!(read("mcp.json", text).unwrap().servers.len(), 1);
    }

    #[test]
    fn an_unknown_shape_is_told_what_was_expected() {
        for (text, said) in [
            ("[]", "it is a list"),
            ("{}", "an empty object"),
            (r#"{"theme": "dark", "fonts": []}"#, "`theme`"),
            (r#"{"mcpServers": {}}"#, "list of servers is empty"),
            (r#"{"mcpServers": []}"#, "`mcpServers`"),
        ] {
            let error = read("x.json", text).unwrap_err().to_string();
            assert!(
                error.contains(said) && error.contains("Expected `mcpServers`"),
                "{error}"
            );
        }
        let error = read("x.json", "{\"a\": 'x'}").unwrap_err();
        assert!(matches!(error, ImportError::Syntax { .. }), "{error}");
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
