//! The languages that plugins are written in. Each is a module that answers four questions: is this folder mine, what
//! do I need, how do I make WebAssembly of it, and what does a new project look like.
//!
//! Everything else (encoding a core module as a component, the manifest, the checks, running the plugin) is the same
//! for all languages and stands elsewhere.

mod c;
mod go;
mod inclusion;
mod interpreter;
mod python;
mod rust;
mod template;
mod typescript;

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use super::args::LanguageName;
use super::cover::report;
use crate::language::{Language, NotCompiled, Project};
pub use template::{File, New};

/// Every language, in the order in which people see them.
pub fn all() -> &'static [&'static dyn Language] {
    &[
        &rust::Rust,
        &python::Python,
        &typescript::TypeScript,
        &go::Go,
        &c::C,
    ]
}

/// The language of a name.
pub fn find(name: LanguageName) -> &'static dyn Language {
    match name {
        LanguageName::Rust => &rust::Rust,
        LanguageName::Python => &python::Python,
        LanguageName::Ts => &typescript::TypeScript,
        LanguageName::Go => &go::Go,
        LanguageName::C => &c::C,
    }
}

/// Whether one of these variables is set, by which a compiler finds files that nobody here knows.
fn is_set(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some())
}

/// Runs an SDK's command, and returns its stdout. Where it fails, its stderr is for the author.
fn output_of(command: &mut Command) -> Result<Vec<u8>, NotCompiled> {
    let output = captured(command)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(NotCompiled::Said(text.trim_end().to_owned()))
}

/// Runs a command. Its stdout and its stderr are captured.
fn captured(command: &mut Command) -> Result<std::process::Output, NotCompiled> {
    command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| NotCompiled::Run {
            program: command.get_program().to_string_lossy().into_owned(),
            error,
        })
}

/// Runs a project's own tests, and returns their exit code. All that they print goes to stderr.
fn tested(command: &mut Command) -> Result<Option<i32>, NotCompiled> {
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| NotCompiled::Run {
            program: command.get_program().to_string_lossy().into_owned(),
            error,
        })?;
    Ok(status.code())
}

/// A folder for what test runners count, and the project's folder as they name it.
fn to_count(project: &Project) -> Result<(tempfile::TempDir, std::path::PathBuf), NotCompiled> {
    let made = || {
        Ok((
            tempfile::tempdir()?,
            std::fs::canonicalize(&project.folder)?,
        ))
    };
    made().map_err(|error: std::io::Error| {
        NotCompiled::Project(format!("{}: {error}", project.folder.display()))
    })
}

/// What a test runner wrote, where it wrote something: it does not where the tests do not compile.
fn counted(file: &Path) -> Result<String, NotCompiled> {
    let text = report(file).map(String::from_utf8);
    match text {
        Ok(Ok(text)) if !text.is_empty() => Ok(text),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            Err(NotCompiled::Project(error.to_string()))
        }
        _ => Err(NotCompiled::Project(
            "the project's own tests were not run: what is wrong stands above".into(),
        )),
    }
}

/// Runs a compiler. Its stdout is captured, and its stderr goes to the author.
fn run(command: &mut Command) -> Result<std::process::Output, NotCompiled> {
    command
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| NotCompiled::Run {
            program: command.get_program().to_string_lossy().into_owned(),
            error,
        })
}
