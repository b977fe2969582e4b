//! The formats of catalogs. Which one a text has is told from the text.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::entry::{Entry, Refusal};
use crate::{docker, own, registry, rules, strict};

/// The largest catalog, in bytes.
pub const LARGEST: usize = 32 << 20;
/// The largest catalog in YAML or TOML, in bytes.
const LARGEST_TEXT: usize = 8 << 20;
/// The most entries of a catalog.
pub const MOST_ENTRIES: usize = 50_000;
/// What a catalog of Sandgate's own begins with.
const OWN: &str = "sandgate-catalog/1";

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The official registry's `server.json`.
    Registry,
    /// Docker's catalog.
    Docker,
    /// Sandgate's own.
    Own,
}

/// A catalog, read.
#[derive(Debug)]
pub struct Contents {
    /// Its format.
    pub format: Format,
    /// Its entries, by name and version.
    pub entries: Vec<Entry>,
    /// What cannot be used as an entry at all.
    pub refused: Vec<Refusal>,
}

/// Why a text is no catalog.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum FormatError {
    #[error("it has more than {0} bytes")]
    Large(usize),
    #[error("it has {0} entries; {MOST_ENTRIES} are the most")]
    Many(usize),
    #[error("it is no {0}: {1}")]
    Syntax(&'static str, String),
    #[error(
        "it is no catalog: neither the official registry's (`server.json`, `servers`), nor Docker's (`registry`, \
         `server.yaml`), nor one with format = \"{OWN}\""
    )]
    Unknown,
    #[error("it is a client's list of servers, not a catalog; `sandgate import` reads it")]
    Client,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registry => "registry",
            Self::Docker => "docker",
            Self::Own => "own",
        })
    }
}

impl Contents {
    /// Reads a catalog.
    ///
    /// # Errors
    ///
    /// The text is none, or exceeds the bounds. An entry that cannot be used spoils no other.
    pub fn read(text: &str) -> Result<Self, FormatError> {
        if text.len() > LARGEST {
            return Err(FormatError::Large(LARGEST));
        }
        let begin = text.trim_start_matches('\u{feff}').trim_start();
        if begin.starts_with(['{', '[']) {
            let value =
                strict::json(begin).map_err(|why| FormatError::Syntax("JSON", said(&why)))?;
            return Self::of(value);
        }
        if text.len() > LARGEST_TEXT {
            return Err(FormatError::Large(LARGEST_TEXT));
        }
        let is_toml = |line: &str| {
            let (key, rest) = line.split_once('=').unwrap_or_default();
            key.trim() == "format" && rest.trim().starts_with(['"', '\''])
        };
        if begin.lines().any(is_toml) {
            let read = toml::from_str::<Value>(begin);
            let value = read.map_err(|error| FormatError::Syntax("TOML", said(error.message())))?;
            return Self::of(value);
        }
        let documents =
            strict::yaml(begin).map_err(|why| FormatError::Syntax("YAML", said(&why)))?;
        let mut made = Made::new(Format::Docker);
        for document in documents {
            match document {
                Value::Object(mut members) if members.contains_key("registry") => {
                    let entries = members.remove("registry").unwrap_or_default();
                    let Value::Object(entries) = entries else {
                        return Err(FormatError::Unknown);
                    };
                    for (name, value) in entries {
                        made.put(docker::entry(Some(&name), value))?;
                    }
                }
                Value::Object(members)
                    if members.contains_key("name")
                        && ["image", "remote", "type"]
                            .iter()
                            .any(|key| members.contains_key(*key)) =>
                {
                    made.put(docker::entry(None, Value::Object(members)))?;
                }
                Value::Null => {}
                value => return Self::of(value),
            }
        }
        made.done()
    }

    fn of(value: Value) -> Result<Self, FormatError> {
        let members = match value {
            Value::Array(list) => return Self::listed(list),
            Value::Object(members) => members,
            _ => return Err(FormatError::Unknown),
        };
        let mut members = members;
        if members.get("format").and_then(Value::as_str) == Some(OWN) {
            let mut made = Made::new(Format::Own);
            let servers = members.remove("servers").unwrap_or_default();
            for (name, value) in servers.as_object().cloned().unwrap_or_default() {
                made.put(own::entry(&name, value))?;
            }
            return made.done();
        }
        if members.contains_key("mcpServers") {
            return Err(FormatError::Client);
        }
        match (members.remove("servers"), members.remove("registry")) {
            (Some(Value::Array(list)), _) => Self::listed(list),
            (_, Some(Value::Object(entries))) => {
                let mut made = Made::new(Format::Docker);
                for (name, value) in entries {
                    made.put(docker::entry(Some(&name), value))?;
                }
                made.done()
            }
            _ if members.contains_key("name") || members.contains_key("server") => {
                Self::listed(vec![Value::Object(members)])
            }
            _ => Err(FormatError::Unknown),
        }
    }

    fn listed(list: Vec<Value>) -> Result<Self, FormatError> {
        if list.len() > MOST_ENTRIES {
            return Err(FormatError::Many(list.len()));
        }
        let mut made = Made::new(Format::Registry);
        for value in list {
            made.put(registry::entry(value))?;
        }
        made.done()
    }
}

/// A catalog that is being read.
struct Made {
    format: Format,
    /// By name and version; `None`: it was there twice.
    entries: BTreeMap<(String, Option<String>), Option<Entry>>,
    refused: Vec<Refusal>,
}

impl Made {
    fn new(format: Format) -> Self {
        Self {
            format,
            entries: BTreeMap::new(),
            refused: Vec::new(),
        }
    }

    fn put(&mut self, entry: Result<Entry, Refusal>) -> Result<(), FormatError> {
        let count = self.entries.len() + self.refused.len();
        if count >= MOST_ENTRIES {
            return Err(FormatError::Many(count + 1));
        }
        match entry {
            Ok(entry) => {
                let key = (entry.name.clone(), entry.version.clone());
                let entry = match self.entries.contains_key(&key) {
                    true => None,
                    false => Some(entry),
                };
                self.entries.insert(key, entry);
            }
            Err(refusal) => self.refused.push(refusal),
        }
        Ok(())
    }

    fn done(self) -> Result<Contents, FormatError> {
        let mut refused = self.refused;
        let mut entries = Vec::new();
        for ((name, version), entry) in self.entries {
            match entry {
                Some(entry) => entries.push(entry),
                None => {
                    let version = version.map(|version| format!("@{version}"));
                    let title = format!("{name}{}", version.unwrap_or_default());
                    let why = "is there twice, and nothing tells which one is meant";
                    refused.push(Refusal::of(format!("{} {why}", rules::shown(&title))));
                }
            }
        }
        match entries.is_empty() && refused.is_empty() {
            true => Err(FormatError::Unknown),
            false => Ok(Contents {
                format: self.format,
                entries,
                refused,
            }),
        }
    }
}

/// A parser's words, which may repeat the text.
fn said(why: &str) -> String {
    let why = sandgate_text::printable(why);
    why.chars().take(300).collect()
}
