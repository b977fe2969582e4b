//! `sandgate plugin build`: builds a project to one file for an operator.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use sandgate_assembly::inspect;
use sandgate_host::{FileError, Grants, PluginFile, PrepareError};
use serde_json::json;

use super::component::{self, NotAComponent};
use super::lang::NotCompiled;
use super::project::{Project, ProjectError};
use super::render;
use super::trial::Trial;

/// A plugin that was built and checked.
pub struct Built {
    /// The path of the component.
    pub path: PathBuf,
    /// The component.
    pub file: PluginFile,
    /// A note about the checks.
    pub note: Option<String>,
    started: Instant,
}

/// Why there is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is not a plugin's project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The toolchain failed.
    #[error(transparent)]
    Compile(#[from] NotCompiled),
    /// The toolchain's output cannot be made a component.
    #[error(transparent)]
    Component(#[from] NotAComponent),
    /// The result is a component, but not a plugin.
    #[error("what was built is no plugin: {0}")]
    File(#[from] FileError),
    /// The plugin cannot be prepared, or its smoke call failed.
    #[error("what was built does not run: {}", told(.0))]
    Run(PrepareError),
    /// The result cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

/// Builds the plugin in this folder. Nothing is written unless the plugin passes every check.
///
/// # Errors
///
/// The plugin cannot be built, fails a check, or cannot be written.
pub async fn build(folder: &Path, language: Option<&str>) -> Result<Built, BuildError> {
    let started = Instant::now();
    let project = Project::open(folder, language)?;
    let authored = &project.authored;
    let compiled = project.language.compile(&project)?;
    let component = component::assemble(
        &compiled,
        project.language,
        &authored.manifest,
        &authored.json,
    )?;
    let file = PluginFile::read(Bytes::from(component))?;
    let trial = Trial::new().map_err(BuildError::Run)?;
    let note = try_out(&trial, &file).await.map_err(BuildError::Run)?;
    let path = project.output();
    write(&file, &path)?;
    Ok(Built {
        path,
        file,
        note,
        started,
    })
}

/// Writes the file as a whole or not at all: whoever watches it sees the old one or the new one.
pub(super) fn write(file: &PluginFile, path: &Path) -> Result<(), BuildError> {
    let unfinished = path.with_extension("wasm.new");
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&unfinished, file.bytes())?;
        std::fs::rename(&unfinished, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        BuildError::Write {
            path: path.to_owned(),
            error,
        }
    })
}

/// Prepares the plugin as the gateway would, smoke call included. Required settings cannot be guessed: then a note says
/// that the plugin was not run.
pub(super) async fn try_out(
    trial: &Trial,
    file: &PluginFile,
) -> Result<Option<String>, PrepareError> {
    let prepared = trial
        .prepare(file.clone(), json!({}), Grants::default())
        .await;
    match prepared {
        Ok(_) => Ok(None),
        Err(PrepareError::Settings(issues)) => {
            let issue = issues.first().map(|issue| format!(" ({})", issue.message));
            Ok(Some(format!(
                "not tried out, since it needs settings{}: fixtures give it some",
                issue.unwrap_or_default()
            )))
        }
        Err(error) => Err(error),
    }
}

/// An error of preparing, with what the guest said, since its author may read that.
fn told(error: &PrepareError) -> String {
    let mut text = error.to_string();
    let (PrepareError::Configure(failure) | PrepareError::Smoke { failure, .. }) = error else {
        return text;
    };
    let _ = write!(text, "\n{}", render::told(failure).trim_end());
    text
}

impl Built {
    /// The plugin's summary for people.
    pub fn text(&self) -> String {
        let mut text = inspect::summary(&self.file);
        let seconds = self.started.elapsed().as_secs_f64();
        let _ = writeln!(
            text,
            "{:<10}{} in {seconds:.1} s",
            "built",
            self.path.display()
        );
        if let Some(note) = &self.note {
            let _ = writeln!(text, "{:<10}{note}", "note");
        }
        text
    }
}
