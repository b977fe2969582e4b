//! The lock as text: read strictly, and written so that Git merges it line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use crate::lock::{Lock, LockError, LockedPlugin, LockedServer, VERSION};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[allow(dead_code, reason = "it was looked at before the rest")]
    version: i64,
    #[serde(default)]
    servers: BTreeMap<String, LockedServer>,
    #[serde(default)]
    plugins: BTreeMap<String, LockedPlugin>,
}

/// Reads a lock; `path` is for errors.
///
/// # Errors
///
/// The text is no lock of this version.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Lock, LockError> {
    let marks = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
    let marked = |line: &str| marks.iter().any(|mark| line.starts_with(mark));
    if let Some(at) = text.lines().position(marked) {
        return Err(LockError::Conflict {
            path: path.into(),
            line: at + 1,
        });
    }
    if text.trim_start().starts_with('{') {
        return Err(LockError::Pins { path: path.into() });
    }
    let misshapen = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        LockError::Shape {
            path: path.into(),
            line: before.matches('\n').count() + 1,
            why: error.message().to_owned(),
        }
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| misshapen(&error))?;
    let version = table.get("version");
    if version.and_then(toml::Value::as_integer) != Some(VERSION) {
        return Err(LockError::Version {
            path: path.into(),
            found: version.map_or_else(|| "none".into(), ToString::to_string),
        });
    }
    let written: Written = toml::from_str(text).map_err(|error| misshapen(&error))?;
    Ok(Lock {
        servers: written.servers,
        plugins: written.plugins,
    })
}

/// The lock as text: entries in the order of their names and a value a line, so that Git merges it line by line.
pub(crate) fn text(lock: &Lock) -> String {
    let mut out = String::from(
        "# Written by `sandgate lock`, and not to be edited: `sandgate lock --update NAME` changes an entry.\n\
         # Keep it in version control, with sandgate.lock.d.\nversion = 1\n",
    );
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let list = |out: &mut String, key: &str, values: &[String]| {
        let _ = writeln!(out, "{key} = [");
        for value in values {
            let _ = writeln!(out, "    {},", quoted(value));
        }
        let _ = writeln!(out, "]");
    };
    for (name, entry) in &lock.servers {
        let _ = writeln!(out, "\n[servers.{name}]");
        let _ = writeln!(out, "package = {}", quoted(&entry.package));
        let _ = writeln!(out, "registry = {}", quoted(&entry.registry));
        if let Some(signer) = &entry.signer {
            let _ = writeln!(out, "signer = {}", quoted(signer));
        }
        list(&mut out, "tools", &entry.tools);
        let _ = writeln!(out, "digest = {}", quoted(&entry.digest));
    }
    for (name, entry) in &lock.plugins {
        let _ = writeln!(out, "\n[plugins.{}]", quoted(name));
        let _ = writeln!(out, "file = {}", quoted(&entry.file));
        for (key, value) in [
            ("manifest", &entry.manifest),
            ("signer", &entry.signer),
            ("version", &entry.version),
        ] {
            if let Some(value) = value {
                let _ = writeln!(out, "{key} = {}", quoted(value));
            }
        }
        list(&mut out, "asks", &entry.asks);
        let _ = writeln!(out, "digest = {}", quoted(&entry.digest));
    }
    out
}
