//! Imports one entry of a client's file as a server of the configuration.

use serde_json::{Map, Value};

use crate::client_file::{ClientFile, kind};
use crate::name::variable;
use crate::secret::{Part, has_password, looks_secret, named_secret, parts};
use crate::variables::Variables;

/// An imported server, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// The server's name in the configuration.
    pub(super) name: String,
    /// The server's name in the client's file.
    pub(super) given: String,
    /// The client's file.
    pub(super) file: std::path::PathBuf,
    /// Whether the server is switched off in the client's file. It is then written as a comment.
    pub(super) disabled: bool,
    pub(super) command: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) cwd: Option<String>,
    pub(super) url: Option<String>,
    pub(super) env: Vec<(String, Worth)>,
    pub(super) headers: Vec<(String, Worth)>,
    /// What differs from the client's file, and what to do.
    pub(super) notes: Vec<String>,
}

/// What stands in the configuration for a value.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Worth {
    /// The value itself.
    Text(String),
    /// A variable: `{ from-env = … }`.
    Env(String),
    /// A file: `{ from-file = … }`.
    File(String),
}

impl std::fmt::Debug for Worth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({path})"),
        }
    }
}

pub(super) struct Reader<'a> {
    file: &'a ClientFile,
    pub(super) variables: &'a mut Variables,
    pub(super) made: Imported,
}

/// Imports an entry. The error says why it is not taken over, and never repeats a value.
pub(super) fn import(
    file: &ClientFile,
    given: &str,
    name: &str,
    value: &Value,
    variables: &mut Variables,
) -> Result<Imported, String> {
    let Value::Object(entry) = value else {
        return Err(format!("it is {}, not an object", kind(value)));
    };
    let mut reader = Reader {
        file,
        variables,
        made: Imported {
            name: name.to_owned(),
            given: given.to_owned(),
            file: file.path.clone(),
            ..Imported::default()
        },
    };
    reader.read(entry)?;
    Ok(reader.made)
}

impl Reader<'_> {
    fn read(&mut self, entry: &Map<String, Value>) -> Result<(), String> {
        let text = |keys: &[&str]| keys.iter().find_map(|&key| entry.get(key)?.as_str());
        let kind = text(&["type", "transport", "transportType"]).unwrap_or_default();
        let url = text(&["url", "serverUrl", "httpUrl"]);
        let has_command = entry.contains_key("command");
        match (kind, url, has_command) {
            ("ws" | "websocket", ..) => {
                return Err("it is reached by WebSocket, which Sandgate does not speak".into());
            }
            ("http" | "sse" | "streamable-http" | "streamableHttp" | "remote", Some(url), _)
            | (_, Some(url), false) => self.http(entry, url, kind)?,
            (_, _, true) => self.stdio(entry)?,
            (_, None, false) => {
                return Err(
                    "it has neither `command` nor `url`: an extension of the client provides it, or something is missing"
                        .into(),
                );
            }
        }
        let is = |key: &str, value: bool| entry.get(key).and_then(Value::as_bool) == Some(value);
        self.made.disabled = is("disabled", true) || is("enabled", false);
        self.name_the_rest(entry);
        Ok(())
    }

    fn http(&mut self, entry: &Map<String, Value>, url: &str, kind: &str) -> Result<(), String> {
        if !matches!(parts(url).as_slice(), [Part::Text(_)]) {
            return Err(
                "its URL holds a variable, and a URL is written in the configuration as it is: write [servers.NAME] with the whole `url`"
                    .into(),
            );
        }
        if secret_url(url) {
            return Err(
                "its URL holds a secret, and a URL is written in the configuration as it is: if the server takes it in a header, write [servers.NAME] with `url` and `headers = { NAME = { from-env = \"…\" } }`"
                    .into(),
            );
        }
        if kind == "sse" || url.trim_end_matches('/').ends_with("/sse") {
            self.note("the older transport (HTTP with SSE) is not spoken here: give the server's Streamable HTTP endpoint, often /mcp in place of /sse");
        }
        self.made.url = Some(url.to_owned());
        for (key, value) in self.texts(entry, &["headers", "http_headers"]) {
            let worth = self.worth("headers", &key, &value);
            self.made.headers.push((key, worth));
        }
        if entry.contains_key("env") || entry.contains_key("command") {
            self.note("`env` and `command` mean nothing beside `url` and were left out");
        }
        Ok(())
    }

    fn stdio(&mut self, entry: &Map<String, Value>) -> Result<(), String> {
        // The command is a text. In Zed's older form it is an object, in OpenCode's a list with the arguments.
        let (mut command, mut args, inner) = match entry.get("command") {
            Some(Value::String(command)) => (command.clone(), Vec::new(), None),
            Some(Value::Object(inner)) => {
                let path = inner.get("path").and_then(Value::as_str);
                let path = path.ok_or("its `command` is an object without `path`")?;
                (path.to_owned(), texts(inner.get("args"))?, Some(inner))
            }
            Some(Value::Array(_)) => {
                let mut words = texts(entry.get("command"))?;
                if words.is_empty() {
                    return Err("its `command` is an empty list".into());
                }
                (words.remove(0), words, None)
            }
            _ => return Err("its `command` is no text".into()),
        };
        args.extend(texts(entry.get("args"))?);
        if command.trim().is_empty() {
            return Err("its `command` is empty".into());
        }
        let windows = matches!(command.to_ascii_lowercase().as_str(), "cmd" | "cmd.exe");
        if windows && args.len() > 1 && args[0].eq_ignore_ascii_case("/c") {
            command = args[1].clone();
            args.drain(..2);
            self.note("`cmd /c` is for Windows and was left out");
        }
        for source in [inner, Some(entry)].into_iter().flatten() {
            for (key, value) in self.texts(source, &["env", "environment"]) {
                let worth = self.worth("env", &key, &value);
                self.made.env.retain(|(other, _)| *other != key);
                self.made.env.push((key, worth));
            }
        }
        if let Some(cwd) = entry.get("cwd").and_then(Value::as_str) {
            match parts(cwd).as_slice() {
                [Part::Text(_)] => self.made.cwd = Some(cwd.to_owned()),
                _ => self.note("`cwd` holds a variable and was left out: write the folder, or it is this file's"),
            }
        }
        if entry.contains_key("headers") {
            self.note("`headers` mean nothing beside `command` and were left out");
        }
        self.command_line(command, args);
        Ok(())
    }

    /// What stands for the value of `env.KEY` or `headers.KEY`.
    fn worth(&mut self, table: &str, key: &str, value: &str) -> Worth {
        let pieces = parts(value);
        let own = variable(&[&self.made.name, key]);
        let preferred = match table {
            "env" => key,
            _ => own.as_str(),
        };
        match pieces.as_slice() {
            [Part::Text(text)] => {
                if !named_secret(key, text) && !looks_secret(text) {
                    return Worth::Text(text.clone());
                }
                let what = format!("what `{table}.{key}` of {} says", self.here());
                Worth::Env(
                    self.variables
                        .claim(preferred, &own, &format!("value:{text}"), what),
                )
            }
            [reference @ (Part::Variable { .. } | Part::Input(_))] => {
                Worth::Env(self.referred(reference, &format!("{table}.{key}")))
            }
            [Part::File(path)] => Worth::File(path.clone()),
            pieces if pieces.iter().any(|piece| matches!(piece, Part::Place(_))) => {
                self.note(&format!("`{table}.{key}` holds something that only the client knows: write what it stands for"));
                Worth::Text(value.to_owned())
            }
            pieces => {
                let said: Vec<String> = pieces
                    .iter()
                    .map(|piece| match piece {
                        Part::Text(text) if looks_secret(text) => {
                            "a secret that the file has there".into()
                        }
                        Part::Text(text) => format!("the text {text:?}"),
                        Part::Variable { name, .. } => format!("the value of {name}"),
                        Part::Input(id) => format!("what the client asks for as {id:?}"),
                        Part::File(path) => format!("the content of {path}"),
                        Part::Place(place) => format!("the client's {place}"),
                    })
                    .collect();
                let what = format!(
                    "{}, for `{table}.{key}` of {}",
                    said.join(", then "),
                    self.here()
                );
                Worth::Env(
                    self.variables
                        .claim(&own, &own, &format!("mixed:{value}"), what),
                )
            }
        }
    }

    /// The name of the variable for a reference to a variable or an input.
    pub(super) fn referred(&mut self, reference: &Part, at: &str) -> String {
        let here = self.here();
        match reference {
            Part::Variable { name, default } => {
                if let Some(default) = default {
                    let default = match named_secret(name, default) || looks_secret(default) {
                        true => "the file's default".to_owned(),
                        false => format!("the file's default, {default:?},"),
                    };
                    self.note(&format!("{default} for {name} is not taken over: a variable that is not set is an error"));
                }
                let what = format!("as the client has it; for `{at}` of {here}");
                let own = variable(&[&self.made.name, name]);
                self.variables
                    .claim(name, &own, &format!("env:{name}"), what)
            }
            Part::Input(id) => {
                let asked = self.file.inputs.get(id).unwrap_or(id);
                let what = format!("what the client asks for: {asked}; for `{at}` of {here}");
                let (short, own) = (variable(&[id]), variable(&[&self.made.name, id]));
                let origin = format!("input:{}:{id}", self.file.path.display());
                self.variables.claim(&short, &own, &origin, what)
            }
            _ => String::new(),
        }
    }

    /// A table of texts, sorted. Numbers and booleans are converted to text.
    fn texts(&mut self, entry: &Map<String, Value>, keys: &[&str]) -> Vec<(String, String)> {
        let found = keys.iter().find_map(|&key| Some((key, entry.get(key)?)));
        let Some((key, table)) = found else {
            return Vec::new();
        };
        let Value::Object(members) = table else {
            if !table.is_null() {
                self.note(&format!("`{key}` is {} and was left out", kind(table)));
            }
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (name, value) in members {
            match value {
                Value::String(text) => texts.push((name.clone(), text.clone())),
                Value::Number(_) | Value::Bool(_) => texts.push((name.clone(), value.to_string())),
                other => self.note(&format!(
                    "`{key}.{name}` is {} and was left out",
                    kind(other)
                )),
            }
        }
        texts.sort();
        texts
    }

    /// Notes the keys that have no counterpart, each with what to do.
    fn name_the_rest(&mut self, entry: &Map<String, Value>) {
        let mut rest: Vec<&str> = entry.keys().map(String::as_str).collect();
        rest.sort_unstable();
        for key in rest {
            let remedy = match key {
                "command" | "args" | "env" | "environment" | "cwd" | "url" | "serverUrl"
                | "httpUrl" | "headers" | "http_headers" | "type" | "transport"
                | "transportType" | "disabled" | "enabled" => continue,
                // These keys do not matter to how a server runs.
                "description" | "name" | "title" | "note" | "comment" | "gallery" | "version"
                | "source" | "icon" | "iconUrl" | "id" | "$schema" => continue,
                "envFile" => {
                    "its variables are not read: set them in the gateway's environment, and name each in `env`"
                }
                "alwaysAllow" | "autoApprove" | "trust" | "approval" => {
                    "approving calls stays with the client; to forbid tools use the plugin builtin:allow-tools"
                }
                "disabledTools" | "excludeTools" | "includeTools" | "enabledTools" | "tools"
                | "allowedTools" => "the plugin builtin:allow-tools does that, for every client",
                "timeout" | "connectTimeout" | "initTimeout" => {
                    "set `connect-timeout` and `request-timeout` where the defaults do not do"
                }
                "oauth" | "auth" | "authProviderType" | "bearerTokenEnvVar" => {
                    "the gateway does not sign in to servers: give a token in `headers`, with from-env or from-file"
                }
                "headersHelper" => {
                    "no program is run for headers: keep its result in a file, and name that with from-file"
                }
                "sandbox" | "sandboxEnabled" | "dev" => {
                    "servers run as the gateway's user; confine them by its service unit or a container"
                }
                _ => "it has no counterpart here",
            };
            self.note(&format!("`{key}` was left out: {remedy}"));
        }
    }

    pub(super) fn here(&self) -> String {
        let file = self.file.path.file_name().unwrap_or_default();
        format!("{:?} in {}", self.made.given, file.to_string_lossy())
    }

    pub(super) fn note(&mut self, note: &str) {
        if !self.made.notes.iter().any(|there| there == note) {
            self.made.notes.push(note.to_owned());
        }
    }
}

fn texts(value: Option<&Value>) -> Result<Vec<String>, String> {
    let list = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(format!("its arguments are {}, not a list", kind(other))),
    };
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        other => Err(format!("an argument is {}, not a text", kind(other))),
    };
    list.iter().map(text).collect()
}

fn secret_url(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    has_password(url)
        || pairs.any(|(name, value)| named_secret(name, value) || looks_secret(value))
        || url
            .split('/')
            .skip(3)
            .any(|segment| looks_secret(segment.split('?').next().unwrap_or_default()))
}
