//! The schema of the settings, from their type.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::interceptor::Interceptor;

/// Where the schema lies, beside `plugin.toml`, which says `settings = "settings.schema.json"`.
const FILE: &str = "settings.schema.json";

/// Set to anything, it lets [`settings_schema`] write the file.
const BLESS: &str = "SANDGATE_BLESS";

/// Holds the `settings.schema.json` of a plugin to the type of its settings. For a test; `folder` is where `plugin.toml`
/// lies. With `SANDGATE_BLESS=1` in the environment it writes the file.
///
/// Names, defaults and whether other keys are refused come from serde's attributes, descriptions from the comments,
/// limits from those of [`schemars`](https://docs.rs/schemars) 1.
///
/// ```no_run
/// # use sandgate_sdk::{Interceptor, Issues};
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     /// Calls of one caller.
///     #[schemars(range(min = 1))]
///     calls: u32,
/// }
///
/// struct Quota;
///
/// impl Interceptor for Quota {
///     type Settings = Settings;
/// #   fn configure(_: Settings) -> Result<Self, Issues> { Ok(Self) }
/// }
///
/// #[test]
/// fn the_schema_is_that_of_the_settings() {
///     sandgate_sdk::testing::settings_schema::<Quota>(env!("CARGO_MANIFEST_DIR"));
/// }
/// ```
///
/// # Panics
/// The file is another, or not there, or `plugin.toml` names another: says what to do.
pub fn settings_schema<P>(folder: impl AsRef<Path>)
where
    P: Interceptor,
    P::Settings: JsonSchema,
{
    let bless = std::env::var_os(BLESS).is_some();
    if let Err(why) = hold(folder.as_ref(), &schema::<P::Settings>(), bless) {
        panic!("{why}");
    }
}

/// As the gateway wants it: 2020-12, without the words that are not JSON Schema's.
fn schema<T: JsonSchema>() -> Value {
    let plain = |schema: &mut Schema| {
        // `int64` and the like: what they mean stands in `minimum` where it matters.
        let number = ["integer", "number"]
            .iter()
            .any(|kind| says(schema.get("type"), kind));
        if number {
            schema.remove("format");
        }
    };
    let mut schema = SchemaSettings::draft2020_12()
        .with(|settings| settings.meta_schema = None)
        .with_transform(RecursiveTransform(plain))
        .into_generator()
        .into_root_schema_for::<T>();
    // The name of the type.
    schema.remove("title");
    schema.to_value()
}

/// Whether `type` is this one, or may be.
fn says(kind: Option<&Value>, wanted: &str) -> bool {
    match kind {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    }
}

fn hold(folder: &Path, wanted: &Value, bless: bool) -> Result<(), String> {
    let (path, manifest) = (folder.join(FILE), folder.join("plugin.toml"));
    let text = std::fs::read_to_string(&manifest).map_err(|error| {
        format!(
            "{} cannot be read ({error}): give the folder that it lies in",
            manifest.display()
        )
    })?;
    let named = text
        .parse::<toml::Table>()
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    if named.get("settings").and_then(toml::Value::as_str) != Some(FILE) {
        return Err(format!(
            "{}: write `settings = \"{FILE}\"` above its first table, in place of any other schema of the settings",
            manifest.display()
        ));
    }
    let there = std::fs::read(&path).ok();
    let there = there.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if there.as_ref() == Some(wanted) {
        return Ok(());
    }
    if !bless {
        return Err(format!(
            "{} is not the schema of the settings' type; `{BLESS}=1 cargo test` writes it",
            path.display()
        ));
    }
    std::fs::write(&path, format!("{wanted:#}\n"))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, dead_code)]
    use super::*;
    use serde_json::json;

    /// How an answer is given.
    #[derive(serde::Deserialize, serde::Serialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        Mask,
        DropAll,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    struct Settings {
        /// Calls of one caller.
        #[schemars(range(min = 1))]
        of_one_caller: i64,
        share: Option<f64>,
        mode: Mode,
        names: Vec<String>,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self {
                of_one_caller: 10,
                share: None,
                mode: Mode::Mask,
                names: Vec::new(),
            }
        }
    }

    #[derive(serde::Deserialize, JsonSchema)]
    struct Needed {
        hosts: Vec<String>,
    }

    #[test]
    fn names_defaults_limits_and_comments_are_those_of_the_type() {
        let schema = schema::<Settings>();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema.get("required"), None);
        assert_eq!(schema.get("title"), None);
        assert_eq!(schema.get("$schema"), None);
        assert_eq!(
            schema["properties"]["of-one-caller"],
            json!({"type": "integer", "minimum": 1, "default": 10, "description": "Calls of one caller."})
        );
        assert_eq!(
            schema["properties"]["share"],
            json!({"type": ["number", "null"], "default": null})
        );
        assert_eq!(schema["properties"]["mode"]["default"], "mask");
        assert_eq!(schema["$defs"]["Mode"]["enum"], json!(["mask", "drop-all"]));
    }

    #[test]
    fn what_has_no_default_is_required() {
        assert_eq!(schema::<Needed>()["required"], json!(["hosts"]));
    }

    fn project(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
        folder
    }

    #[test]
    fn a_file_that_is_missing_or_another_is_told_and_written_only_when_blessed() {
        let folder = project("name = \"a\"\nsettings = \"settings.schema.json\"\n");
        let path = folder.path().join(FILE);
        let wanted = schema::<Needed>();
        let why = hold(folder.path(), &wanted, false).unwrap_err();
        assert!(
            why.contains("settings.schema.json is not the schema of the settings' type")
                && why.contains("SANDGATE_BLESS=1 cargo test"),
            "{why}"
        );
        assert!(!path.exists());
        hold(folder.path(), &wanted, true).unwrap();
        hold(folder.path(), &wanted, false).unwrap();
        std::fs::write(&path, "{}").unwrap();
        assert!(hold(folder.path(), &wanted, false).is_err());
    }

    #[test]
    fn a_manifest_that_has_another_schema_is_told_what_to_write() {
        for manifest in ["name = \"a\"\n", "[settings]\ntype = \"object\"\n"] {
            let why = hold(project(manifest).path(), &json!({}), true).unwrap_err();
            assert!(
                why.contains("write `settings = \"settings.schema.json\"`"),
                "{why}"
            );
        }
    }
}
