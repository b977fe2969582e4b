//! A fixture: one hook run with everything it may see, and what is expected of it. Fixtures are read strictly.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use sandgate_config::{Files, Issue, Report, Side, Source, validate};
use sandgate_host::{CannedFailure, CannedResponse};
use sandgate_message::{Hook, Json, Limits, Method, pointer};
use serde_json::{Map, Value, json};

use super::context::{call, set};
use super::trial::Exercise;

/// The largest fixture, in bytes. It is written by hand or by `--bless`: this is a bound, not a quota.
const LARGEST: u64 = 8 << 20;

/// The time if a fixture names none: 2026-01-01T00:00:00Z.
const NOW: Duration = Duration::from_secs(1_767_225_600);

/// The longest delay of a canned answer. It is really waited for.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// The randomness if a fixture names none.
const RANDOM: [u8; 16] = [
    0x5a, 0x13, 0xc7, 0x2e, 0x91, 0x68, 0xf4, 0x0b, 0xd3, 0x7c, 0x35, 0xa6, 0xe8, 0x49, 0x1f, 0x80,
];

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("fixture.schema.json")).unwrap_or_default());

/// A fixture.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) path: PathBuf,
    /// The file's name without its extension.
    pub(super) name: String,
    pub(super) source: Arc<Source>,
    pub(super) exercise: Exercise,
    pub(super) settings: Value,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) env: Vec<(String, String)>,
    pub(super) now: Duration,
    pub(super) random: Vec<u8>,
    pub(super) http: Vec<CannedResponse>,
    /// The `[expect]` table as it is written. `None` if nothing is expected yet.
    pub(super) expect: Option<Map<String, Value>>,
}

/// Fixtures by their names, which are their files' without the extension. Some may not be valid.
pub(super) type Fixtures = Vec<(String, Result<Fixture, Report>)>;

/// Reads all fixtures of a folder, in the order of their names.
pub(super) fn read_all(folder: &Path) -> Result<Fixtures, std::io::Error> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &PathBuf| (name_of(path), Fixture::read(path));
    Ok(paths.iter().map(read).collect())
}

fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

impl Fixture {
    /// Reads a fixture's file.
    pub(super) fn read(path: &Path) -> Result<Self, Report> {
        let unreadable = |why: String| {
            let help = "fixtures are TOML files in the folder fixtures/";
            Report::new(None, vec![Issue::error(None, why).help(help)])
        };
        let bytes = Files::in_folder(Path::new(""))
            .read(path, LARGEST)
            .map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable(format!("{} is not UTF-8 text", path.display())))?;
        Self::parse(path, text)
    }

    /// A run with these settings, in the world of a fixture that says nothing of it.
    pub(super) fn alone(exercise: Exercise, settings: Value) -> Self {
        Self {
            path: PathBuf::new(),
            name: String::new(),
            source: Arc::new(Source::parse(Path::new(""), String::new()).0),
            exercise,
            settings,
            state: BTreeMap::new(),
            env: Vec::new(),
            now: NOW,
            random: RANDOM.to_vec(),
            http: Vec::new(),
            expect: None,
        }
    }

    /// Another run with this fixture's settings, in its world.
    pub(super) fn with(&self, exercise: Exercise) -> Self {
        Self {
            exercise,
            ..self.clone()
        }
    }

    /// Whether the plugin has to fail in this fixture.
    pub(super) fn expects_a_fault(&self) -> bool {
        let decision = self
            .expect
            .as_ref()
            .and_then(|expect| expect.get("decision"));
        decision.is_some_and(|decision| decision == "fault")
    }

    /// Checks a text that came from `path`.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Report> {
        let (source, syntax) = Source::parse(path, text);
        let source = Arc::new(source);
        if !syntax.is_empty() {
            let issues = source.syntax_issues(syntax);
            return Err(Report::new(Some(source), issues));
        }
        let mut issues = Vec::new();
        validate(&source, &SCHEMA, "the fixture", &mut issues);
        let report = |issues| Report::new(Some(source.clone()), issues);
        if !issues.is_empty() {
            return Err(report(issues));
        }
        let value = toml::from_str::<toml::Table>(source.text())
            .map(|table| sandgate_embed::json(toml::Value::Table(table)))
            .map_err(|error| report(vec![Issue::error(error.span(), error.message())]))?;
        let mut reader = Reader {
            source: &source,
            issues,
        };
        let fixture = reader.fixture(path, &value);
        let issues = reader.issues;
        if issues.is_empty() {
            Ok(fixture)
        } else {
            Err(report(issues))
        }
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    issues: Vec<Issue>,
}

impl Reader<'_> {
    fn wrong(&mut self, pointer: &str, why: impl Into<String>, help: impl Into<String>) {
        let span = self.source.locate(pointer, Side::Value);
        self.issues.push(Issue::error(span, why).help(help));
    }

    fn fixture(&mut self, path: &Path, value: &Value) -> Fixture {
        let event = value["event"].as_str().unwrap_or("tools/call");
        let hook = match value["hook"].as_str() {
            Some("post-call") => Hook::PostCall,
            _ => Hook::PreCall,
        };
        let params = self.document(value, "params");
        let reply = self.document(value, "reply");
        if hook == Hook::PreCall && reply.is_some() {
            self.wrong(
                "/reply",
                "a pre-call has no `reply`",
                "write it as `params`, or make the hook \"post-call\"",
            );
        }
        if hook == Hook::PostCall && reply.is_none() {
            self.wrong(
                "/hook",
                "a post-call has no `reply` here",
                "add `reply`: JSON text, or a table",
            );
        }
        let mut call = call(event);
        if let Some(params) = &params {
            call.target = Method::new(event).target_in(params).map(Into::into);
        }
        let context = &value["context"];
        for (key, part) in context.as_object().into_iter().flatten() {
            let set = match (key.as_str(), part) {
                ("definition", part) => {
                    let text = part
                        .as_str()
                        .map_or_else(|| part.to_string(), str::to_owned);
                    set(&mut call, key, &text)
                }
                ("groups", Value::Array(groups)) => {
                    let groups = groups.iter().filter_map(Value::as_str);
                    call.groups = groups.map(str::to_owned).collect::<Vec<_>>().into();
                    Ok(())
                }
                ("attributes", Value::Object(attributes)) => {
                    let pairs = attributes.iter().map(|(name, value)| {
                        (name.clone(), value.as_str().unwrap_or_default().to_owned())
                    });
                    call.attributes = pairs.collect();
                    Ok(())
                }
                (_, part) => set(&mut call, key, part.as_str().unwrap_or_default()),
            };
            if let Err(why) = set {
                self.wrong(
                    &format!("/context/{key}"),
                    format!("`context.{key}`: {why}"),
                    "see docs/plugins.md",
                );
            }
        }
        let exercise = Exercise {
            hook,
            call,
            params,
            reply,
            failed: value["failed"].as_bool().unwrap_or_default(),
            carried: (!value["carried"].is_null())
                .then(|| self.bytes("/carried", &value["carried"])),
        };
        Fixture {
            path: path.to_owned(),
            name: name_of(path),
            source: self.source.clone(),
            exercise,
            settings: match &value["settings"] {
                Value::Null => json!({}),
                settings => settings.clone(),
            },
            state: self.memory("/state", &value["state"]),
            env: pairs(&value["env"]),
            now: self.clock(&value["clock"]),
            random: self.random(&value["random"]),
            http: self.http(&value["http"]),
            expect: value["expect"].as_object().cloned(),
        }
    }

    fn document(&mut self, value: &Value, key: &str) -> Option<Json> {
        let text = match &value[key] {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            table => table.to_string(),
        };
        match Json::parse(text, &Limits::default()) {
            Ok(json) => Some(json),
            Err(why) => {
                self.wrong(
                    &format!("/{key}"),
                    format!("`{key}` is no JSON: {why}"),
                    "write JSON text in ''' quotes, or a table",
                );
                Some(Json::empty_object())
            }
        }
    }

    fn bytes(&mut self, pointer: &str, value: &Value) -> Vec<u8> {
        match value {
            Value::String(text) => text.clone().into_bytes(),
            Value::Number(counter) if counter.is_i64() => {
                counter.as_i64().unwrap_or_default().to_le_bytes().to_vec()
            }
            Value::Object(members) if members.len() == 1 && members.contains_key("hex") => {
                match members["hex"].as_str().and_then(sandgate_text::hex::decode) {
                    Some(bytes) => bytes,
                    None => {
                        self.wrong(
                            pointer,
                            "`hex` is not pairs of hexadecimal digits",
                            "write for example { hex = \"00ff\" }",
                        );
                        Vec::new()
                    }
                }
            }
            _ => {
                self.wrong(
                    pointer,
                    "this is no value that can be remembered",
                    "write text, a whole number (a counter), or { hex = \"00ff\" }",
                );
                Vec::new()
            }
        }
    }

    pub(super) fn memory(&mut self, pointer: &str, value: &Value) -> BTreeMap<String, Vec<u8>> {
        let members = value.as_object().into_iter().flatten();
        members
            .map(|(key, value)| {
                let at = format!("{pointer}/{}", pointer::escape(key));
                (key.clone(), self.bytes(&at, value))
            })
            .collect()
    }

    fn clock(&mut self, value: &Value) -> Duration {
        let Some(text) = value.as_str() else {
            return NOW;
        };
        let time = humantime::parse_rfc3339(text)
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        time.unwrap_or_else(|| {
            self.wrong(
                "/clock",
                format!("`clock` cannot be \"{text}\""),
                "write a time such as \"2026-01-01T00:00:00Z\"",
            );
            NOW
        })
    }

    fn random(&mut self, value: &Value) -> Vec<u8> {
        let Some(text) = value.as_str() else {
            return RANDOM.to_vec();
        };
        sandgate_text::hex::decode(text)
            .filter(|bytes| !bytes.is_empty())
            .unwrap_or_else(|| {
                self.wrong(
                    "/random",
                    "`random` is not pairs of hexadecimal digits",
                    "write for example \"00ff\"",
                );
                RANDOM.to_vec()
            })
    }

    fn delay(&mut self, n: usize, value: &Value) -> Duration {
        let Some(text) = value.as_str() else {
            return Duration::ZERO;
        };
        let delay = humantime::parse_duration(text).ok();
        delay
            .filter(|delay| *delay <= MAX_DELAY)
            .unwrap_or_else(|| {
                self.wrong(
                    &format!("/http/{n}/delay"),
                    format!("`delay` cannot be \"{text}\""),
                    "write a length of time such as \"100ms\", 10s at most",
                );
                Duration::ZERO
            })
    }

    fn http(&mut self, value: &Value) -> Vec<CannedResponse> {
        let answers = value.as_array().into_iter().flatten().enumerate();
        answers
            .map(|(n, answer)| CannedResponse {
                method: answer["method"].as_str().unwrap_or("GET").to_owned(),
                url: answer["url"].as_str().unwrap_or_default().to_owned(),
                status: answer["status"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok())
                    .unwrap_or(200),
                headers: pairs(&answer["headers"]),
                body: match &answer["body"] {
                    Value::Null => Bytes::new(),
                    Value::String(text) => text.clone().into(),
                    table => table.to_string().into(),
                },
                delay: self.delay(n, &answer["delay"]),
                failure: match answer["fails"].as_str() {
                    Some("refused") => Some(CannedFailure::Refused),
                    Some(_) => Some(CannedFailure::Cut),
                    None => None,
                },
            })
            .collect()
    }
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<Fixture, Report> {
        Fixture::parse(Path::new("fixtures/x.toml"), text.into())
    }

    #[test]
    fn a_fixture_holds_all_that_a_run_may_see() {
        let fixture = parse(
            r#"
            hook = "post-call"
            event = "resources/read"
            params = { uri = "file:///a" }
            reply = '{"contents": []}'
            clock = "2000-01-01T00:00:00Z"
            random = "0aff"
            state = { seen = 3, name = "x", raw = { hex = "00" } }
            context = { principal = "ada", groups = ["a", "b"], attributes = { "client.name" = "c" } }
            [[http]]
            url = "https://a.example/"
            body = { ok = true }
            [expect]
            decision = "proceed"
            "#,
        )
        .unwrap();
        assert_eq!(fixture.name, "x");
        assert_eq!(fixture.exercise.call.target.as_deref(), Some("file:///a"));
        assert_eq!(fixture.exercise.document().as_str(), r#"{"contents": []}"#);
        assert_eq!(fixture.exercise.call.attribute("client.name"), Some("c"));
        assert_eq!(&*fixture.exercise.call.groups, ["a", "b"]);
        assert_eq!(
            (fixture.now.as_secs(), fixture.random.as_slice()),
            (946_684_800, &[0x0a, 0xff][..])
        );
        assert_eq!(fixture.state["seen"], 3_i64.to_le_bytes());
        assert_eq!(fixture.state["raw"], [0]);
        assert_eq!(fixture.http[0].body, r#"{"ok":true}"#);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, says, line) in [
            (
                "hook = \"pre-call\"\nparms = {}",
                "did you mean `params`?",
                ":2:1",
            ),
            (
                "hook = \"pre-call\"\nreply = {}",
                "a pre-call has no `reply`",
                ":2:9",
            ),
            ("hook = \"post-call\"", "has no `reply` here", ":1:8"),
            (
                "hook = \"pre-call\"\nparams = '{'",
                "`params` is no JSON",
                ":2:10",
            ),
            (
                "hook = \"pre-call\"\nclock = 'noon'",
                "`clock` cannot be",
                ":2:9",
            ),
            (
                "hook = \"pre-call\"\nrandom = 'xyz1'",
                "hexadecimal",
                ":2:10",
            ),
            (
                "hook = \"pre-call\"\nexpect = { decision = 'pass' }",
                "cannot be \"pass\"",
                ":2:23",
            ),
        ] {
            let said = parse(text).err().unwrap().to_string();
            assert!(said.contains(says) && said.contains(line), "{said}");
        }
    }
}
