//! `sandgate call`: calls one tool through the running gateway, as a client would.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use sandgate_assembly::servers_apart;
use sandgate_config::{Environment, Loaded, argument_content};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::status::Status;
use sandgate_text::printable;
use serde_json::{Value, json};

use crate::exit::{ask, complain, fail, runtime};
use crate::reached::Reached;
use crate::terminal::print;

/// `sandgate call`.
#[derive(Clone, Debug, Args)]
pub struct Call {
    /// The running gateway.
    #[command(flatten)]
    pub reached: Reached,
    /// The server, by its name in the configuration
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// The tool; without one, the server's tools are listed
    #[arg(value_name = "TOOL")]
    pub tool: Option<String>,
    /// The tool's arguments: a JSON object, @FILE, or - for stdin
    #[arg(value_name = "JSON", default_value = "{}")]
    pub arguments: String,
    /// The client's key, where the gateway asks for one
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The answer as JSON, as it came
    #[arg(long)]
    pub json: bool,
}

/// Why nothing was called.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("{argument}: {why}")]
    Argument { argument: &'static str, why: String },
    #[error("the gateway shows clients a certificate: call it with a client, at https://{0}/mcp")]
    Tls(String),
    #[error("{0}")]
    Failed(String),
}

/// Calls the tool, and prints its answer. Exit code 0: the tool answered. 1: its answer is an error. 2: nothing was
/// called.
pub fn carry_out(asked: &Call) -> ExitCode {
    let status = match ask::<Status>(&asked.reached, Ask::Status) {
        Ok(status) => status,
        Err(error) => return fail(&*error),
    };
    match call(asked, &status) {
        Ok((answer, failed)) => {
            match asked.json {
                true => print(&format!("{answer:#}")),
                false => print(&text(&answer)),
            }
            ExitCode::from(u8::from(failed))
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

/// The answer, and whether it is an error.
fn call(asked: &Call, status: &Status) -> Result<(Value, bool), CallError> {
    let failed = |error: &dyn std::fmt::Display| CallError::Failed(error.to_string());
    let address = status.listeners.first().cloned().unwrap_or_default();
    if status.certificate_until.is_some() {
        return Err(CallError::Tls(address));
    }
    let names: Vec<_> = status.servers.iter().map(|server| &*server.name).collect();
    if !names.contains(&&*asked.server) {
        return Err(CallError::Argument {
            argument: "SERVER",
            why: format!(
                "the gateway has no server {:?}; it has {}",
                asked.server,
                names.join(", ")
            ),
        });
    }
    let params = match &asked.tool {
        None => None,
        Some(tool) => {
            let arguments = given(&asked.arguments)?;
            Some(json!({ "name": tool, "arguments": arguments }))
        }
    };
    let url = toml_edit::Value::from(format!("http://{address}/mcp/{}", asked.server));
    let mut config = format!("[servers.gateway]\nurl = {url}\n");
    if let Some(file) = &asked.key_file {
        let key = toml_edit::Value::from(format!("Bearer {}", key(file)?));
        let _ = writeln!(config, "headers = {{ Authorization = {key} }}");
    }
    let loaded = Loaded::parse(Path::new("sandgate.toml"), config);
    let loaded = loaded.map_err(|report| failed(&report.render(false)))?;
    let servers = servers_apart(&loaded, &Environment::of_process());
    let servers = servers.map_err(|report| failed(&report.render(false)))?;
    let server = servers.first().ok_or_else(|| failed(&"no server"))?;
    let runtime = runtime(None).map_err(|error| failed(&error))?;
    let Some(params) = params else {
        let tools = runtime.block_on(server.tools());
        let tools = tools.map_err(|error| failed(&error.detail()))?;
        let tools: Vec<Value> = tools.iter().filter_map(|tool| tool.to().ok()).collect();
        return Ok((json!({ "tools": tools }), false));
    };
    let reply = runtime.block_on(server.request("tools/call", &params));
    let reply = reply.map_err(|error| failed(&error.detail()))?;
    let answer: Value = reply.payload().to().map_err(|error| failed(&error))?;
    let is_error = reply.failed() || answer["isError"] == true;
    Ok((answer, is_error))
}

/// The arguments: the text itself, `@FILE`, or `-` for stdin.
fn given(text: &str) -> Result<Value, CallError> {
    let wrong = |why: String| CallError::Argument {
        argument: "JSON",
        why,
    };
    let bytes = argument_content(text).map_err(wrong)?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        wrong(format!(
            "it is no JSON: {error}; for example '{{\"path\": \"a\"}}'"
        ))
    })?;
    match value.is_object() {
        true => Ok(value),
        false => Err(wrong("arguments are an object, by their names".into())),
    }
}

fn key(file: &Path) -> Result<String, CallError> {
    let read = std::fs::read_to_string(file);
    let text = read.map_err(|error| CallError::Argument {
        argument: "--key-file",
        why: format!("{}: {error}", file.display()),
    })?;
    Ok(text.trim().to_owned())
}

/// The answer for people: its texts, the names of what else is in it, and of a list of tools a line each.
fn text(answer: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for tool in answer["tools"].as_array().into_iter().flatten() {
        let about = tool["description"].as_str().unwrap_or_default();
        let about = about.lines().next().unwrap_or_default();
        let name = tool["name"].as_str().unwrap_or_default();
        let _ = writeln!(out, "{}", printable(&format!("{name}  {about}")));
    }
    for item in answer["content"].as_array().into_iter().flatten() {
        match (item["text"].as_str(), item["type"].as_str()) {
            (Some(text), _) => out += &shown(text),
            (None, kind) => {
                let _ = write!(out, "({})", kind.unwrap_or("content"));
            }
        }
        out.push('\n');
    }
    if let Some(message) = answer["message"].as_str() {
        let _ = writeln!(out, "error {}: {}", answer["code"], shown(message));
    }
    for place in ["/_meta/sandgate~1refusal/callId", "/data/callId"] {
        if let Some(id) = answer.pointer(place).and_then(Value::as_str) {
            let _ = writeln!(out, "more: sandgate why {}", printable(id));
        }
    }
    if answer["tools"].as_array().is_some_and(Vec::is_empty) {
        out += "no tools\n";
    }
    if out.is_empty() {
        let _ = writeln!(out, "{}", shown(&format!("{answer:#}")));
    }
    out
}

/// A text of several lines without what steers a terminal.
fn shown(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}
