//! `plugin.toml` as its author writes it. It is read strictly, and all errors are reported at once, each with its place
//! and a remedy.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use sandgate_config::Scalar as _;
use sandgate_config::validate;
use sandgate_config::{Files, Issue, Pattern, Report, Side, Source};
use sandgate_host::{Manifest, check_schema};
use sandgate_message::{Method, pointer};
use sandgate_text::suggest;
use serde_json::{Value, json};

/// The manifest's name in a project's folder.
pub const MANIFEST: &str = "plugin.toml";

/// The largest manifest, in bytes. It is written by hand: this is a bound, not a quota. The schema of settings has the
/// same bound.
const LARGEST: u64 = 1 << 20;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("manifest.schema.json")).unwrap_or_default()
});

/// A valid manifest.
#[derive(Clone, Debug)]
pub struct Authored {
    /// The manifest as it was written.
    pub source: Arc<Source>,
    /// The parsed manifest.
    pub manifest: Manifest,
    /// The manifest as it is embedded in the component.
    pub json: String,
}

impl Authored {
    /// Reads and checks the manifest in this folder.
    ///
    /// # Errors
    ///
    /// The manifest cannot be read, or it has errors. All errors are reported.
    pub fn read(folder: &Path) -> Result<Self, Report> {
        let path = folder.join(MANIFEST);
        let files = Files::in_folder(Path::new(""));
        let help = "give the folder of a plugin, or make one with `sandgate plugin new NAME --lang LANGUAGE`";
        let unreadable = |why: String| Report::new(None, vec![Issue::error(None, why).help(help)]);
        let bytes = files
            .read(&path, LARGEST)
            .map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable(format!("{} is not UTF-8 text", path.display())))?;
        Self::parse(&path, text)
    }

    /// Checks a text that came from `path`.
    ///
    /// # Errors
    ///
    /// The text has errors. All errors are reported.
    pub fn parse(path: &Path, text: String) -> Result<Self, Report> {
        let (source, syntax) = Source::parse(path, text);
        let source = Arc::new(source);
        if !syntax.is_empty() {
            let issues = source.syntax_issues(syntax);
            return Err(Report::new(Some(source), issues));
        }
        let mut issues = Vec::new();
        validate(&source, &SCHEMA, "the manifest", &mut issues);
        let value = toml::from_str::<toml::Table>(source.text())
            .map(|table| sandgate_embed::json(toml::Value::Table(table)))
            .unwrap_or_default();
        let mut look = Look {
            source: &source,
            issues: &mut issues,
        };
        look.words(&value);
        look.events(&value);
        let settings = look.settings(&value, &Files::beside(path));
        if !issues.is_empty() {
            return Err(Report::new(Some(source), issues));
        }
        let mut value = value;
        value["settings"] = settings;
        // The shape was checked against a schema of the same shape as this type. If the two ever differ, the stricter
        // one decides.
        match serde_json::from_value::<Manifest>(value.clone()) {
            Ok(manifest) => Ok(Self {
                json: value.to_string(),
                manifest,
                source,
            }),
            Err(error) => Err(Report::new(
                Some(source),
                vec![Issue::error(None, error.to_string())],
            )),
        }
    }
}

struct Look<'a> {
    source: &'a Source,
    issues: &'a mut Vec<Issue>,
}

impl Look<'_> {
    fn error(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        let span = self.source.locate(pointer, Side::Value);
        self.issues.push(Issue::error(span, message).help(help));
    }

    fn words(&mut self, manifest: &Value) {
        if let Some(name) = manifest["name"].as_str() {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !name.chars().all(fits) {
                self.error(
                    "/name",
                    format!("`name` cannot be \"{name}\""),
                    "use lower-case letters, digits and hyphens only",
                );
            }
        }
        if let Some(version) = manifest["version"].as_str()
            && semver::Version::parse(version).is_err()
        {
            self.error(
                "/version",
                format!("`version` cannot be \"{version}\""),
                "write three numbers, for example \"0.1.0\"",
            );
        }
        if manifest["hooks"]
            .as_object()
            .is_some_and(|hooks| hooks.is_empty())
        {
            self.error(
                "/hooks",
                "`hooks` names none",
                "add `[hooks.pre-call]`, `[hooks.post-call]` or both",
            );
        }
        for path in manifest["asks"]["dirs"]
            .as_object()
            .into_iter()
            .flat_map(|dirs| dirs.keys())
        {
            if !path.starts_with('/') {
                let escaped = pointer::escape(path);
                self.error(
                    &format!("/asks/dirs/{escaped}"),
                    format!("`asks.dirs` has the relative path \"{path}\""),
                    "write the path as the plugin sees it, from /",
                );
            }
        }
        for (key, example) in [("memory", "16MiB"), ("timeout", "50ms")] {
            let limits = &manifest["limits"];
            // The limits are parsed by the host itself.
            let read = serde_json::from_value::<Manifest>(
                json!({"name": "x", "version": "0", "hooks": {}, "limits": {key: &limits[key]}}),
            );
            let fits = |manifest: Manifest| match key {
                "memory" => manifest.memory().is_some(),
                _ => manifest.timeout().is_some(),
            };
            if limits[key].is_string() && !read.is_ok_and(fits) {
                self.error(
                    &format!("/limits/{key}"),
                    format!("`limits.{key}` cannot be {}", limits[key]),
                    format!("write a number and its unit, for example \"{example}\""),
                );
            }
        }
    }

    /// Checks that each event can happen: a method of the protocol, or a glob that matches one.
    fn events(&mut self, manifest: &Value) {
        let methods: Vec<_> = Method::known().map(|method| method.name).collect();
        for hook in ["pre-call", "post-call"] {
            let Some(events) = manifest["hooks"][hook]["events"].as_array() else {
                continue;
            };
            if events.is_empty() {
                self.error(
                    &format!("/hooks/{hook}/events"),
                    format!("`hooks.{hook}.events` is empty, so the hook would never run"),
                    "list at least one MCP method, for example \"tools/call\"",
                );
            }
            for (index, event) in events.iter().enumerate() {
                let Some(event) = event.as_str() else {
                    continue;
                };
                let Ok(pattern) = Pattern::read(event) else {
                    continue;
                };
                if methods.iter().any(|name| pattern.matches(name)) {
                    continue;
                }
                let glob = event.contains(['*', '?', '[', '{']);
                let (what, help) = if glob {
                    (
                        "fits no method of MCP",
                        "write a method such as \"tools/call\", or a glob such as \"tools/*\""
                            .to_owned(),
                    )
                } else {
                    (
                        "is no method of MCP",
                        suggest(event, methods.iter().copied())
                            .replace("the keys are", "the methods are"),
                    )
                };
                self.error(
                    &format!("/hooks/{hook}/events/{index}"),
                    format!("the event \"{event}\" {what}"),
                    help,
                );
            }
        }
    }

    /// The schema of the settings, inline or from its file.
    fn settings(&mut self, manifest: &Value, files: &Files) -> Value {
        let schema = match &manifest["settings"] {
            Value::Null => return json!({"type": "object", "additionalProperties": false}),
            Value::String(file) => {
                let read = files.read(Path::new(file), LARGEST);
                let read = read.map_err(|error| error.to_string()).and_then(|bytes| {
                    serde_json::from_slice(&bytes)
                        .map_err(|error| format!("{file} is no JSON: {error}"))
                });
                match read {
                    Ok(schema) => schema,
                    Err(why) => {
                        self.error(
                            "/settings",
                            format!("`settings`: {why}"),
                            "name a JSON file beside plugin.toml, or write the schema here as a table",
                        );
                        return Value::Null;
                    }
                }
            }
            inline => inline.clone(),
        };
        let why = if schema.is_object() {
            check_schema(&schema).err()
        } else {
            Some("it is no object".into())
        };
        if let Some(why) = why {
            self.error(
                "/settings",
                format!("`settings` is no JSON Schema that can be used: {why}"),
                "write a schema of JSON Schema 2020-12 whose references stay within it",
            );
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_key_of_the_schema_is_one_the_host_reads() {
        let whole = r#"
            name = "a"
            version = "0.1.0"
            description = "d"
            licence = "MIT"
            [hooks.pre-call]
            type = "validation"
            events = ["tools/*"]
            [hooks.post-call]
            type = "mutation"
            events = ["*"]
            [asks]
            state = "why"
            http = { hosts = ["*"], why = "w" }
            dirs."/data" = { access = "ro", why = "w" }
            env.TOKEN = "w"
            [limits]
            memory = "16MiB"
            timeout = "50ms"
            [settings]
            type = "object"
        "#;
        let authored = Authored::parse(Path::new(MANIFEST), whole.into()).unwrap();
        assert_eq!(authored.manifest.hooks().len(), 2);
        assert_eq!(authored.manifest.asks.env["TOKEN"], "w");
        let keys = SCHEMA["properties"].as_object().unwrap().keys();
        let written: Value = serde_json::from_str(&authored.json).unwrap();
        for key in keys {
            assert!(
                written.get(key).is_some(),
                "{key} is not in the test's manifest"
            );
        }
    }

    #[test]
    fn the_builtin_plugins_are_written_as_authors_must_write() {
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
        let mut seen = 0;
        for entry in std::fs::read_dir(plugins).unwrap() {
            let folder = entry.unwrap().path();
            if folder.join("plugin.toml").is_file() {
                Authored::read(&folder).unwrap();
                seen += 1;
            }
        }
        assert!(seen >= 3);
    }
}
