//! The compilation that `dev` runs in a process of its own, so that it can be killed at any moment. It does no checks.

use crate::args;
use crate::build::{self, BuildError};
use crate::language::Project;

/// Builds the plugin as quickly as its language can, and writes it to the given file.
///
/// # Errors
///
/// The plugin does not compile, or the result cannot be made a component.
pub fn compile(asked: &args::CompilePlugin) -> Result<(), BuildError> {
    let component = build::component_for_dev(&Project::open(&asked.folder, asked.lang)?)?;
    std::fs::write(&asked.into, component).map_err(|error| BuildError::Write {
        path: asked.into.clone(),
        error,
    })
}
