//! `sandgate plugin build`: builds a project to one file for an operator.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use sandgate_assembly::inspect;
use sandgate_host::{FileError, PluginFile};
use serde_json::Value;

use super::args::LanguageName;
use super::build_record::BuildRecord;
use super::component::{self, NotAComponent};
use super::fixture;
use super::inputs;
use super::language::{Beside, NotCompiled, Project};
use super::project::ProjectError;
use super::smoke::smoke;
use super::stages::Stages;
use super::trial::Trial;

pub use super::smoke::SmokeError;

/// A plugin that was built and checked.
pub struct Built {
    /// The path of the component.
    pub path: PathBuf,
    /// The component.
    pub file: PluginFile,
    /// Notes about the checks.
    pub notes: Vec<String>,
    /// Whether the component is that of an earlier build, since nothing that goes into it has changed.
    pub unchanged: bool,
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
    /// The plugin cannot be prepared, or a hook fails.
    #[error("what was built does not work: {0}")]
    Smoke(#[from] SmokeError),
    /// The result cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

/// Builds the plugin in this folder, unless nothing that goes into it has changed since the last build. Nothing is written
/// unless the plugin passes every check.
///
/// # Errors
///
/// The plugin cannot be built, fails a check, or cannot be written.
pub async fn build(
    folder: &Path,
    language: Option<LanguageName>,
    stages: Stages,
) -> Result<Built, BuildError> {
    let started = Instant::now();
    let mut project = Project::open(folder, language)?;
    project.stages = stages;
    let path = project.output();
    let record = BuildRecord::read(&path);
    let kept = |inputs: &Option<String>| {
        let file = record.as_ref()?.still(inputs.as_ref()?, &path)?;
        Some(Built {
            path: path.clone(),
            file,
            notes: record.as_ref()?.notes.clone(),
            unchanged: true,
            started,
        })
    };
    let beside = project.language.beside(&project)?;
    let known = |beside: &Option<Beside>| inputs::digest(&project, beside.as_ref()?);
    let mut inputs = known(&beside);
    if let Some(built) = kept(&inputs) {
        return Ok(built);
    }
    let authored = &project.authored;
    project.compiling();
    let compiled = project.language.compile(&project)?;
    let component = component::assemble(
        &compiled,
        project.language,
        &authored.manifest,
        &authored.json,
    )?;
    let file = PluginFile::read(Bytes::from(component))?;
    match beside {
        // Something was saved meanwhile: nobody knows whether it went in.
        Some(_) if known(&beside) != inputs => inputs = None,
        Some(_) => {}
        // The compiler itself knew what had changed.
        None => {
            inputs = known(&Some(Beside {
                words: vec![file.digest().to_owned()],
                ..Beside::default()
            }));
            if let Some(built) = kept(&inputs) {
                return Ok(built);
            }
        }
    }
    project.stages.begin("running each hook once");
    let trial = Trial::new().map_err(SmokeError::from)?;
    // Fixtures that are not valid are the business of `test`.
    let fixtures = fixture::read_all(&folder.join("fixtures")).unwrap_or_default();
    let notes = smoke(&trial, &file, &fixtures).await?;
    write(&file, &path)?;
    if let Some(inputs) = inputs {
        let component = file.digest().to_owned();
        let notes = notes.clone();
        BuildRecord {
            inputs,
            component,
            notes,
        }
        .write(&path);
    }
    Ok(Built {
        path,
        file,
        notes,
        unchanged: false,
        started,
    })
}

/// Builds the plugin as quickly as its language can, and checks what the language itself can check. Nothing is written.
pub(super) fn build_for_test(project: &Project) -> Result<PluginFile, BuildError> {
    project.compiling();
    let component = component_for_dev(project)?;
    project.language.check(project)?;
    project.stages.end();
    Ok(PluginFile::read(component.into())?)
}

/// Compiles the plugin as quickly as its language can.
pub(super) fn component_for_dev(project: &Project) -> Result<Vec<u8>, BuildError> {
    let made = project.language.compile_for_dev(project)?;
    let authored = &project.authored;
    let mut component = component::assemble(
        &made.compiled,
        project.language,
        &authored.manifest,
        &authored.json,
    )?;
    if let Some(source) = &made.source {
        sandgate_embed::section(&mut component, sandgate_host::SOURCE, source);
    }
    Ok(component)
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

impl Built {
    /// The plugin's description for programs.
    pub fn as_json(&self) -> Value {
        let mut all = inspect::as_json(&self.file);
        all["path"] = self.path.display().to_string().into();
        all["seconds"] = self.started.elapsed().as_secs_f64().into();
        all["unchanged"] = self.unchanged.into();
        all["notes"] = self.notes.clone().into();
        all
    }

    /// The plugin's summary for people.
    pub fn text(&self) -> String {
        let mut text = inspect::summary(&self.file);
        let seconds = self.started.elapsed().as_secs_f64();
        let path = self.path.display();
        let _ = match self.unchanged {
            true => writeln!(
                text,
                "{:<10}{path}: nothing that goes into it has changed ({seconds:.1} s)",
                "kept"
            ),
            false => writeln!(text, "{:<10}{path} in {seconds:.1} s", "built"),
        };
        for note in &self.notes {
            let _ = writeln!(text, "{:<10}{note}", "note");
        }
        text
    }
}
