//! `plugin.toml`, as JSON in a custom section.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wasm_encoder::{CustomSection, Encode};

/// The custom section's name.
pub const SECTION: &str = "sandgate:manifest";

/// Why a folder has no manifest to embed.
#[derive(Debug, thiserror::Error)]
pub enum NoManifest {
    /// A file that should be there cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no TOML; says where.
    #[error("{}: {error}", path.display())]
    Toml {
        /// Which.
        path: PathBuf,
        /// Why.
        error: Box<toml::de::Error>,
    },
    /// The settings' schema is no JSON object.
    #[error("{}: the schema of the settings is no JSON object{why}", path.display())]
    Schema {
        /// Which.
        path: PathBuf,
        /// Why, where there is more to say.
        why: String,
    },
}

/// The manifest of the plugin in this folder as JSON text: `plugin.toml`'s keys as they are, except that `settings` is
/// always the schema itself. It may be written inline or be the name of a JSON file beside; absent, there is nothing to
/// set.
///
/// # Errors
///
/// `plugin.toml` or the file of the schema cannot be read, or is not what it should be.
pub fn manifest(folder: &Path) -> Result<String, NoManifest> {
    let path = folder.join("plugin.toml");
    let table: toml::Table = toml::from_str(&read(&path)?).map_err(|error| NoManifest::Toml {
        path: path.clone(),
        error: error.into(),
    })?;
    let mut manifest = Value::from_iter(table.into_iter().map(|(key, value)| (key, json(value))));
    let schema = match &manifest["settings"] {
        Value::Null => serde_json::json!({"type": "object", "additionalProperties": false}),
        Value::String(file) => {
            let path = folder.join(file);
            let why = |error: serde_json::Error| NoManifest::Schema {
                path: path.clone(),
                why: format!(": {error}"),
            };
            serde_json::from_str(&read(&path)?).map_err(why)?
        }
        inline => inline.clone(),
    };
    if !schema.is_object() {
        return Err(NoManifest::Schema {
            path,
            why: String::new(),
        });
    }
    manifest["settings"] = schema;
    Ok(manifest.to_string())
}

/// Appends the manifest to a component. Sections at a component's top level may follow one another in any order.
pub fn embed(component: &mut Vec<u8>, manifest: &str) {
    section(component, SECTION, manifest);
}

/// Appends a custom section that holds a text.
pub fn section(component: &mut Vec<u8>, name: &str, text: &str) {
    let section = CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(text.as_bytes()),
    };
    component.push(0);
    section.encode(component);
}

fn read(path: &Path) -> Result<String, NoManifest> {
    std::fs::read_to_string(path).map_err(|error| NoManifest::Read {
        path: path.into(),
        error,
    })
}

/// TOML as JSON; dates become text.
pub fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(elements) => elements.into_iter().map(json).collect(),
        toml::Value::Table(members) => members
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn manifest_of(files: &[(&str, &str)]) -> Result<Value, NoManifest> {
        manifest(folder(files).path()).map(|json| serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn keys_stay_as_they_are_and_no_settings_means_nothing_to_set() {
        let made = manifest_of(&[(
            "plugin.toml",
            "name = 'x'\n[hooks.pre-call]\nevents = ['tools/*']",
        )])
        .unwrap();
        let settings = json!({"type": "object", "additionalProperties": false});
        assert_eq!(
            made,
            json!({"name": "x", "hooks": {"pre-call": {"events": ["tools/*"]}}, "settings": settings})
        );
    }

    #[test]
    fn a_schema_may_be_inline_or_a_file_beside() {
        let inline = manifest_of(&[(
            "plugin.toml",
            "[settings]\ntype = 'object'\nmaxProperties = 3",
        )])
        .unwrap();
        let beside = manifest_of(&[
            ("plugin.toml", "settings = 'schema.json'"),
            ("schema.json", r#"{"maxProperties": 3, "type": "object"}"#),
        ]);
        assert_eq!(inline, beside.unwrap());
    }

    #[test]
    fn what_cannot_be_embedded_says_which_file_and_why() {
        let message = |files: &[_]| manifest_of(files).unwrap_err().to_string();
        assert!(message(&[]).contains("plugin.toml"));
        assert!(
            message(&[("plugin.toml", "name = ")])
                .contains("plugin.toml: TOML parse error at line 1")
        );
        assert!(message(&[("plugin.toml", "settings = 'none.json'")]).contains("none.json"));
        assert!(message(&[("plugin.toml", "settings = 3")]).contains("no JSON object"));
        assert!(
            message(&[("plugin.toml", "settings = 's'"), ("s", "{")])
                .contains("no JSON object: EOF")
        );
    }

    #[test]
    fn the_section_is_readable_where_it_was_appended() {
        // The header of an empty component.
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        embed(&mut component, "{}");
        let section = [&[0, 20, 17], SECTION.as_bytes(), b"{}"].concat();
        assert_eq!(component[8..], section);
    }
}
