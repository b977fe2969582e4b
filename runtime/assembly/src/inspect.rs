//! `sandgate plugin inspect`: what a plugin is and asks for, read from its file. None of its code is run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use sandgate_config::Files;
use sandgate_host::{Access, MAX_FILE, Manifest, PluginFile};
use sandgate_message::{Hook, Role};
use serde_json::{Value, json};
use wasm_metadata::Producers;

use crate::builtin;

/// Reads a plugin by path or as `builtin:NAME`.
///
/// # Errors
///
/// The file is not a plugin. The error says why, for people.
pub fn read(plugin: &str) -> Result<PluginFile, String> {
    let bytes = match plugin.strip_prefix("builtin:") {
        Some(name) => {
            let names = || {
                builtin::all()
                    .iter()
                    .map(|builtin| builtin.name)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let found = builtin::find(name);
            let found = found.ok_or_else(|| {
                format!("there is no {plugin}; the builtin plugins are: {}", names())
            })?;
            found.bytes()
        }
        None => {
            let here = Files::in_folder(Path::new(""));
            Bytes::from(
                here.read(Path::new(plugin), MAX_FILE as u64)
                    .map_err(|error| error.to_string())?,
            )
        }
    };
    PluginFile::read(bytes).map_err(|error| format!("{plugin}: {error}"))
}

/// The plugin's description for programs.
pub fn as_json(file: &PluginFile) -> Value {
    let manifest = file.manifest();
    let hooks: Value = manifest
        .hooks()
        .into_iter()
        .map(|(hook, role, events)| {
            (
                hook.as_str().to_owned(),
                json!({ "type": role, "events": events, "contains": contains(manifest, hook) }),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "licence": manifest.licence,
        "language": Made::of(file).language,
        "sdk": Made::of(file).sdk.map(|(name, version)| json!({ "name": name, "version": version })),
        "digest": file.digest(),
        "bytes": file.bytes().len(),
        "hooks": hooks,
        "asks": asks(file).into_iter().map(|(what, why)| json!({ "what": what, "why": why })).collect::<Vec<_>>(),
        "limits": { "memory": manifest.limits.memory, "timeout": manifest.limits.timeout },
        "imports": file.imports(),
        "exports": file.exports(),
        "snapshot": file.snapshot().is_ok(),
        "settings": manifest.settings,
    })
}

/// The plugin's description for people, complete.
pub fn as_text(file: &PluginFile) -> String {
    let mut out = summary(file);
    let settings = serde_json::to_string_pretty(&file.manifest().settings).unwrap_or_default();
    entry(&mut out, "settings", &settings);
    out
}

fn entry(out: &mut String, key: &str, value: &str) {
    let mut lines = value.lines();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{key:<10}{}", lines.next().unwrap_or_default());
    for more in lines {
        let _ = writeln!(out, "{:<10}{more}", "");
    }
}

/// The plugin's description for people, without the schema of the settings.
pub fn summary(file: &PluginFile) -> String {
    let manifest = file.manifest();
    let mut out = String::new();
    let mut line = |key: &str, value: String| entry(&mut out, key, &value);
    line("plugin", format!("{} {}", manifest.name, manifest.version));
    if !manifest.description.is_empty() {
        line("", manifest.description.clone());
    }
    line(
        "licence",
        if manifest.licence.is_empty() {
            "not stated".into()
        } else {
            manifest.licence.clone()
        },
    );
    let made = Made::of(file);
    if let Some(language) = made.text() {
        line("language", language);
    }
    line("digest", file.digest().to_owned());
    line("size", format!("{} bytes", file.bytes().len()));
    for (hook, role, events) in manifest.hooks() {
        let role = match role {
            Role::Validation => "validation",
            Role::Mutation => "mutation",
        };
        line(hook.as_str(), format!("{role} of {}", events.join(", ")));
        for (event, texts) in contains(manifest, hook) {
            line("", format!("{event}{}", only_where(texts)));
        }
    }
    let asks = asks(file);
    if asks.is_empty() {
        line("asks for", "nothing: it only computes".into());
    }
    for (what, why) in asks {
        line(
            "asks for",
            if why.is_empty() {
                what
            } else {
                format!("{what}: {why}")
            },
        );
    }
    let limits = [
        ("memory", &manifest.limits.memory),
        ("timeout", &manifest.limits.timeout),
    ];
    let limits: Vec<_> = limits
        .iter()
        .filter_map(|(name, limit)| Some(format!("{name} {}", limit.as_ref()?)))
        .collect();
    if !limits.is_empty() {
        line("limits", limits.join(", "));
    }
    line(
        "imports",
        if file.imports().is_empty() {
            "nothing".into()
        } else {
            file.imports().join("\n")
        },
    );
    line(
        "start",
        match file.snapshot() {
            Ok(()) => "from the memory that configure left (snapshot)".into(),
            Err(why) => {
                format!("configured anew for every run, since it cannot be snapshotted: {why}")
            }
        },
    );
    out
}

/// How a plugin was made, as far as its file says.
#[derive(Debug, Default)]
struct Made {
    language: Option<String>,
    sdk: Option<(String, String)>,
}

impl Made {
    fn of(file: &PluginFile) -> Self {
        let Ok(Some(producers)) = Producers::from_wasm(file.bytes()) else {
            return Self::default();
        };
        let first = |field: &str| {
            let field = producers.get(field)?;
            let (name, version) = field.iter().next()?;
            Some((name.clone(), version.clone()))
        };
        Self {
            language: first("language").map(|(name, _)| name),
            sdk: first("sdk"),
        }
    }

    fn text(&self) -> Option<String> {
        let language = self.language.as_deref()?;
        Some(match &self.sdk {
            Some((name, version)) => format!("{language} ({name} {version})"),
            None => language.to_owned(),
        })
    }
}

/// What the plugin asks for, and why.
pub fn asks(file: &PluginFile) -> Vec<(String, String)> {
    let asks = &file.manifest().asks;
    let mut all = Vec::new();
    if let Some(why) = &asks.state {
        all.push(("state".into(), why.clone()));
    }
    if let Some(http) = &asks.http {
        all.push((
            format!("http to {}", http.hosts.join(", ")),
            http.why.clone(),
        ));
    }
    for (path, dir) in &asks.dirs {
        let access = match dir.access {
            Access::Ro => "read",
            Access::Rw => "read and write",
        };
        all.push((format!("the directory {path} ({access})"), dir.why.clone()));
    }
    for (name, why) in &asks.env {
        all.push((format!("the variable {name}"), why.clone()));
    }
    all
}

/// By MCP method, the texts of which a message must contain one for the hook to run.
fn contains(manifest: &Manifest, hook: Hook) -> &BTreeMap<String, Vec<String>> {
    static NONE: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let hook = match hook {
        Hook::PreCall => &manifest.hooks.pre_call,
        Hook::PostCall => &manifest.hooks.post_call,
    };
    hook.as_ref().map_or(&NONE, |hook| &hook.contains)
}

fn only_where(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!(" only where it contains {}", texts.join(", "))
}

/// All that a plugin asks for, a line each: its hooks with their roles, events and the texts without which they do not
/// run, hosts, directories, variables and limits. Two lists differ in the lines in which the plugins do.
pub fn capabilities(file: &PluginFile) -> Vec<String> {
    let manifest = file.manifest();
    let mut all = Vec::new();
    for (hook, role, events) in manifest.hooks() {
        let role = match role {
            Role::Validation => "validation",
            Role::Mutation => "mutation",
        };
        let conditions = contains(manifest, hook);
        for event in &events {
            let mut line = format!("{}: {role} of {event}", hook.as_str());
            match conditions.get(event) {
                Some(texts) => line.push_str(&only_where(texts)),
                // A pattern stands for methods that have conditions of their own.
                None if event.contains('*') => {
                    for (method, texts) in conditions.iter().filter(|one| !events.contains(one.0)) {
                        // Writing to a string cannot fail.
                        let _ = write!(line, ", of {method}{}", only_where(texts));
                    }
                }
                None => {}
            }
            all.push(line);
        }
    }
    if let Some(http) = &manifest.asks.http {
        all.extend(http.hosts.iter().map(|host| format!("http to {host}")));
    }
    let others = asks(file).into_iter().map(|(what, _)| what);
    all.extend(others.filter(|what| !what.starts_with("http to ")));
    let limits = [
        ("memory", &manifest.limits.memory),
        ("timeout", &manifest.limits.timeout),
    ];
    // One that is left out is the gateway's own, which may be more.
    for (name, limit) in limits {
        let limit = limit.as_deref().unwrap_or("as by default");
        all.push(format!("{name} {limit}"));
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_builtin_shows_what_it_is_without_being_run() {
        let file = read("builtin:allow-tools").unwrap();
        let text = as_text(&file);
        for part in [
            "plugin    allow-tools 0.1.0",
            "digest    sha256:",
            "pre-call  validation of ",
            "imports   sandgate:interceptor/",
            "start     from the memory",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        let json = as_json(&file);
        assert_eq!(json["name"], "allow-tools");
        assert_eq!(json["bytes"], file.bytes().len());
    }

    #[test]
    fn where_a_hook_does_not_run_is_part_of_what_a_plugin_asks_for() {
        let bytes = builtin::find("pii-scrubber").unwrap().bytes();
        let swapped = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len());
            let (mut bytes, mut found) = (bytes.to_vec(), false);
            for at in 0..=bytes.len() - from.len() {
                if bytes[at..].starts_with(from.as_bytes()) {
                    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
                    found = true;
                }
            }
            assert!(found, "{from}");
            PluginFile::read(Bytes::from(bytes)).unwrap()
        };
        let condition = |texts: &str| format!("tools/call only where it contains {texts}");
        let own = condition(r#""~", "@example.invalid", "100::""#);
        let line = format!("pre-call: mutation of {own}");
        let file = PluginFile::read(bytes.clone()).unwrap();
        assert!(capabilities(&file).contains(&line));
        assert!(as_text(&file).contains(&format!("\n          {own}\n")));
        let hook = &as_json(&file)["hooks"]["pre-call"];
        assert_eq!(hook["contains"]["tools/call"][0], "~");

        let never = capabilities(&swapped("\"100::\"", "\"zzzzz\""));
        let other = condition(r#""~", "@example.invalid", "zzzzz""#);
        assert!(never.contains(&format!("pre-call: mutation of {other}")));
        assert!(!never.contains(&line));
        // The method is one of those that a pattern stands for.
        let pattern = capabilities(&swapped("[\"tools/call\",", "[\"tools/cal*\","));
        let by_pattern = format!("pre-call: mutation of tools/cal*, of {own}");
        assert!(pattern.contains(&by_pattern), "{pattern:?}");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        assert!(
            read("builtin:alow-tools")
                .unwrap_err()
                .contains("allow-tools, ")
        );
        assert!(read("no/such.wasm").unwrap_err().contains("no/such.wasm"));
    }
}
