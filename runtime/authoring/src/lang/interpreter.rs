//! Interpreted languages in `dev`: the component holds everything except the author's source. It is made once, and
//! reused until something else is imported. Both SDKs report in the same format where the component is and what source
//! it gets.

use std::path::{Path, PathBuf};
use std::process::Command;

use sandgate_assembly::host_setup::default_cache_folder;
use sandgate_config::Environment;
use serde::Deserialize;

use super::output_of;
use crate::language::{Compiled, ForDev, NotCompiled};

/// The folder of the interpreters: one for all of this user's projects, so that each is made once. Relative to the
/// project's folder where this user has no caches.
pub(super) fn folder() -> PathBuf {
    match default_cache_folder(&Environment::of_process()) {
        Some(caches) => caches.join("interpreters"),
        None => PathBuf::from("target/dev"),
    }
}

#[derive(Deserialize)]
struct Made {
    /// The path of the component.
    interpreter: PathBuf,
    /// The source for the interpreter.
    source: String,
}

/// Runs an SDK's command, which reports on stdout what it made.
pub(super) fn made(
    command: &mut Command,
    folder: &Path,
    sdk: Option<(String, String)>,
) -> Result<ForDev, NotCompiled> {
    let stdout = output_of(command)?;
    let made: Made = serde_json::from_slice(&stdout).map_err(|error| {
        NotCompiled::Project(format!(
            "the SDK in this project cannot make a version for `dev` ({error}): take the one of this sandgate, as `sandgate plugin new` lays it into a new project"
        ))
    })?;
    let path = folder.join(&made.interpreter);
    let wasm = std::fs::read(&path).map_err(|error| {
        NotCompiled::Project(format!("{} cannot be read: {error}", path.display()))
    })?;
    Ok(ForDev {
        compiled: Compiled { wasm, sdk },
        source: Some(made.source),
    })
}
