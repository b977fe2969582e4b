//! Values that the file gives itself, or that are fetched from outside it.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::files::{FileError, Files};

/// Text, or where to fetch it: `"text"`, `{ from-env = "NAME" }` or `{ from-file = "path" }`.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ValueOrRef {
    /// A value written in the file itself.
    Plain(String),
    /// A value fetched when the configuration is loaded.
    Ref(SecretRef),
}

/// Where a value is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretRef {
    /// A variable of the gateway's environment.
    FromEnv(String),
    /// A text file, relative to the configuration. One line end at the end of the file is not part of the value.
    FromFile(PathBuf),
}

/// A value that is never printed: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: String,
    outside: bool,
}

/// The gateway's environment, as it was when the program started.
#[derive(Clone, Default)]
pub struct Environment(std::collections::BTreeMap<String, String>);

/// The sources of values from outside the file.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The variables for `from-env`.
    pub environment: &'a Environment,
    /// The files for `from-file`.
    pub files: &'a Files,
}

/// Why a value could not be fetched. Never repeats the value.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The variable is not set, or not UTF-8.
    #[error("the environment variable `{0}` is not set, or is not UTF-8 text")]
    Variable(String),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not UTF-8.
    #[error("{} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
}

/// The largest file of a secret, in bytes: far more than any key or certificate chain needs.
const LARGEST: u64 = 1 << 20;

impl ValueOrRef {
    /// Fetches the value.
    ///
    /// # Errors
    ///
    /// The value is missing, or not text.
    pub fn resolve(&self, sources: Sources<'_>) -> Result<Secret, FetchError> {
        match self {
            Self::Plain(value) => Ok(Secret {
                value: value.clone(),
                outside: false,
            }),
            Self::Ref(secret) => secret.resolve(sources),
        }
    }

    /// The path of the file that the value is fetched from, as it was written.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Ref(SecretRef::FromFile(path)) => Some(path),
            _ => None,
        }
    }
}

impl SecretRef {
    /// Fetches the value.
    ///
    /// # Errors
    ///
    /// The value is missing, or not text.
    pub fn resolve(&self, sources: Sources<'_>) -> Result<Secret, FetchError> {
        let value = match self {
            Self::FromEnv(name) => sources
                .environment
                .get(name)
                .ok_or_else(|| FetchError::Variable(name.clone()))?
                .to_owned(),
            Self::FromFile(path) => {
                let bytes = sources.files.read(path, LARGEST)?;
                let mut text =
                    String::from_utf8(bytes).map_err(|_| FetchError::NotText(path.clone()))?;
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                text
            }
        };
        Ok(Secret {
            value,
            outside: true,
        })
    }
}

impl Secret {
    /// The value, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Whether the value came from outside the file. Such a value must not reach a cache either.
    pub fn is_outside(&self) -> bool {
        self.outside
    }
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for ValueOrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain(…)"),
            Self::Ref(secret) => secret.fmt(f),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl JsonSchema for ValueOrRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        // The published schema has this name.
        "Given".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Text, or where to fetch it.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "from-env": { "type": "string", "description": "A variable of the gateway's environment." } },
                    "required": ["from-env"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": { "from-file": { "type": "string", "description": "A text file, relative to this file; one line end at its end is not part of the value." } },
                    "required": ["from-file"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_value_is_printed_by_debug() {
        let plain = ValueOrRef::Plain("canary".into());
        let secret = Secret {
            value: "canary".into(),
            outside: true,
        };
        let environment: Environment = [("A", "canary")].into_iter().collect();
        assert!(!format!("{plain:?}{secret:?}{environment:?}").contains("canary"));
    }

    #[test]
    fn a_file_loses_one_line_end_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path());
        let environment = Environment::default();
        for (content, value) in [
            ("key\n", "key"),
            ("key\r\n", "key"),
            ("key\n\n", "key\n"),
            ("key", "key"),
            ("\n", ""),
        ] {
            std::fs::write(folder.path().join("key"), content).unwrap();
            let secret = SecretRef::FromFile("key".into())
                .resolve(Sources {
                    environment: &environment,
                    files: &files,
                })
                .unwrap();
            assert_eq!(secret.expose(), value);
            assert!(secret.is_outside());
        }
        std::fs::write(folder.path().join("key"), [0xff]).unwrap();
        let error = SecretRef::FromFile("key".into())
            .resolve(Sources {
                environment: &environment,
                files: &files,
            })
            .unwrap_err();
        assert!(matches!(error, FetchError::NotText(_)));
    }
}
