//! An interceptor's settings. Their form is free here, since only the plugin's own schema knows it.

use std::collections::HashSet;

use sandgate_message::pointer::push;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::secret::{FetchError, SecretRef, Sources};

/// The number of bytes by which a value is recognized. Fewer may stand in a message by chance.
const PIECE: usize = 6;

/// Settings as they stand in the file. Values from outside are not fetched yet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

/// Settings as the plugin gets them.
#[derive(Clone, PartialEq)]
pub struct ResolvedSettings {
    /// The settings object.
    pub value: Value,
    /// The places of values from outside in the settings (RFC 6901). While there are any, the plugin's prepared state
    /// must stay out of every cache, and messages about those places must not repeat the values.
    pub outside: Vec<String>,
}

impl Settings {
    /// Fetches the values from outside.
    ///
    /// # Errors
    ///
    /// Every value that is missing, with its pointer.
    pub fn resolve(
        &self,
        sources: Sources<'_>,
    ) -> Result<ResolvedSettings, Vec<(String, FetchError)>> {
        let mut resolved = ResolvedSettings {
            value: Value::Object(self.0.clone()),
            outside: Vec::new(),
        };
        let mut failures = Vec::new();
        fetch(
            &mut resolved.value,
            &mut String::new(),
            sources,
            &mut resolved.outside,
            &mut failures,
        );
        if failures.is_empty() {
            Ok(resolved)
        } else {
            Err(failures)
        }
    }

    /// The files that values are fetched from, as they were written.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        fn walk(value: &Value, into: &mut Vec<std::path::PathBuf>) {
            match (outside(value), value) {
                (Some(SecretRef::FromFile(path)), _) => into.push(path),
                (Some(SecretRef::FromEnv(_)), _) => {}
                (None, Value::Object(members)) => members.values().for_each(|v| walk(v, into)),
                (None, Value::Array(items)) => items.iter().for_each(|v| walk(v, into)),
                _ => {}
            }
        }
        let mut files = Vec::new();
        self.0.values().for_each(|value| walk(value, &mut files));
        files
    }
}

impl ResolvedSettings {
    /// Whether a text about this place may show a value from outside: the place is such a value, or the text holds one.
    pub fn is_shown_by(&self, text: &str, pointer: &str) -> bool {
        self.outside.iter().any(|place| {
            let below = pointer.strip_prefix(place.as_str());
            let value = self
                .value
                .pointer(place)
                .and_then(Value::as_str)
                .unwrap_or_default();
            // Messages quote values as JSON does, literally, or in their own way.
            let quoted = Value::from(value).to_string();
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || (!value.is_empty()
                    && (text.contains(value) || text.contains(&quoted[1..quoted.len() - 1])))
                || share_a_piece(text, value)
        })
    }
}

/// Whether a text holds a piece of a value. A message may quote a value in part, or with some characters escaped.
pub fn share_a_piece(text: &str, value: &str) -> bool {
    let held: HashSet<&[u8]> = text.as_bytes().windows(PIECE).collect();
    let told = |piece: &[u8]| !piece.iter().any(u8::is_ascii_whitespace);
    let mut pieces = value.as_bytes().windows(PIECE);
    pieces.any(|piece| told(piece) && held.contains(piece))
}

impl std::fmt::Debug for ResolvedSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResolvedSettings({} from outside)", self.outside.len())
    }
}

fn outside(value: &Value) -> Option<SecretRef> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    match members.iter().next()? {
        (key, Value::String(name)) if key == "from-env" => Some(SecretRef::FromEnv(name.clone())),
        (key, Value::String(path)) if key == "from-file" => Some(SecretRef::FromFile(path.into())),
        _ => None,
    }
}

fn fetch(
    value: &mut Value,
    pointer: &mut String,
    sources: Sources<'_>,
    found: &mut Vec<String>,
    failures: &mut Vec<(String, FetchError)>,
) {
    if let Some(outside) = outside(value) {
        match outside.resolve(sources) {
            Ok(secret) => {
                *value = Value::String(secret.expose().to_owned());
                found.push(pointer.clone());
            }
            Err(error) => failures.push((pointer.clone(), error)),
        }
        return;
    }
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                push(pointer, name);
                fetch(member, pointer, sources, found, failures);
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                push(pointer, &index.to_string());
                fetch(item, pointer, sources, found, failures);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

impl JsonSchema for Settings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "description": "What the plugin's own settings schema allows." })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::files::Files;
    use super::super::secret::Environment;
    use super::*;

    fn resolve(settings: Value) -> Result<ResolvedSettings, Vec<(String, FetchError)>> {
        let environment: Environment = [("SALT", "canary")].into_iter().collect();
        let files = Files::in_folder(std::path::Path::new("/nonexistent"));
        let settings: Settings = serde_json::from_value(settings).unwrap();
        settings.resolve(Sources {
            environment: &environment,
            files: &files,
        })
    }

    #[test]
    fn values_from_outside_are_found_however_deep() {
        let resolved =
            resolve(json!({ "a/b": [{ "salt": { "from-env": "SALT" } }], "c": 1 })).unwrap();
        assert_eq!(
            resolved.value,
            json!({ "a/b": [{ "salt": "canary" }], "c": 1 })
        );
        assert_eq!(resolved.outside, ["/a~1b/0/salt"]);
        for (pointer, text, shown) in [
            ("/a~1b/0/salt", "is too short", true),
            ("/a~1b/0/salt/x", "is too short", true),
            (
                "/a~1b/0",
                "{\"salt\":\"canary\"} is not of type string",
                true,
            ),
            ("", "'x' was unexpected", false),
            ("/c", "1 is too small", false),
            ("/a~1b/0/saltier", "is missing", false),
        ] {
            assert_eq!(resolved.is_shown_by(text, pointer), shown, "{pointer}");
        }
        assert!(!format!("{resolved:?}").contains("canary"));
    }

    #[test]
    fn a_piece_of_a_value_is_recognised_however_it_is_quoted() {
        let environment: Environment = [("KEY", "sk-\u{1}3v9\"x7q2m\u{2}"), ("PIN", "42")]
            .into_iter()
            .collect();
        let files = Files::in_folder(std::path::Path::new("/nonexistent"));
        let settings = json!({ "key": { "from-env": "KEY" }, "pin": { "from-env": "PIN" } });
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let sources = Sources {
            environment: &environment,
            files: &files,
        };
        let resolved = settings.resolve(sources).unwrap();
        let key = environment.get("KEY").unwrap();
        for text in [
            format!("not {key}"),
            format!("not {key:?}"),
            format!("not {}", Value::from(key)),
            "not …x7q2m\u{2}".into(),
            "42 is too little".into(),
        ] {
            assert!(resolved.is_shown_by(&text, ""), "{text}");
        }
        for text in ["`more` is no setting", "", "sk-"] {
            assert!(!resolved.is_shown_by(text, ""), "{text}");
        }
    }

    #[test]
    fn every_missing_value_is_reported_with_its_place() {
        let failures =
            resolve(json!({ "a": { "from-env": "NO" }, "b": { "from-file": "no" } })).unwrap_err();
        let places: Vec<_> = failures.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["/a", "/b"]);
    }
}
