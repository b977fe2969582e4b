//! The compilation that `dev` runs in a process of its own, so that it can be killed at any moment. It does no checks.

use crate::args;
use crate::build::BuildError;
use crate::component;
use crate::project::Project;

/// Builds the plugin as quickly as its language can, and writes it to the given file.
///
/// # Errors
///
/// The plugin does not compile, or the result cannot be made a component.
pub fn compile(asked: &args::CompilePlugin) -> Result<(), BuildError> {
    let project = Project::open(&asked.folder, asked.lang.as_deref())?;
    let made = project.language.compile_for_dev(&project)?;
    let manifest = &project.authored.manifest;
    let json = &project.authored.json;
    let mut component = component::assemble(&made.compiled, project.language, manifest, json)?;
    if let Some(source) = &made.source {
        sandgate_embed::section(&mut component, sandgate_host::SOURCE, source);
    }
    std::fs::write(&asked.into, component).map_err(|error| BuildError::Write {
        path: asked.into.clone(),
        error,
    })
}
