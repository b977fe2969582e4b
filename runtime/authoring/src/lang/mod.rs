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
use super::cover::{self, Ran};
use super::inputs::Beside;
use super::project::Project;
use super::toolchain::Missing;
pub use crate::vendored_sdk::SourceFile;
pub use template::{File, New};

/// A language that plugins are written in.
pub trait Language: Sync {
    /// The name that `--lang` takes, for example `rust`.
    fn key(&self) -> &'static str;
    /// The name as people write it, for example `Rust`.
    fn name(&self) -> &'static str;
    /// The file by which a project of this language is recognized, for example `Cargo.toml`.
    fn mark(&self) -> &'static str;
    /// Whether a project is of this language.
    fn owns(&self, folder: &Path) -> bool {
        folder.join(self.mark()).is_file()
    }
    /// Runs the toolchain. The compiler's messages go to stderr as they are.
    ///
    /// # Errors
    ///
    /// A part of the toolchain is missing, or the project does not compile.
    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled>;
    /// Finds what goes into a build besides the files of the project's folder. `None`: that cannot be told, or the
    /// compiler itself knows better what has changed, and is asked each time.
    ///
    /// # Errors
    ///
    /// A part of the toolchain is missing.
    fn beside(&self, project: &Project) -> Result<Option<Beside>, NotCompiled>;
    /// Runs the project's own tests natively, and counts the lines that they run. What the tests print goes to stderr.
    ///
    /// # Errors
    ///
    /// A part of the toolchain is missing, or nothing was counted.
    fn cover(&self, project: &Project) -> Result<Ran, NotCompiled>;
    /// Compiles for `sandgate plugin dev`, where the time from a save to a running version counts. The result decides
    /// as the ordinary one does, but may be larger and slower.
    ///
    /// # Errors
    ///
    /// As for [`Language::compile`].
    fn compile_for_dev(&self, project: &Project) -> Result<ForDev, NotCompiled> {
        self.compile(project).map(ForDev::from)
    }
    /// Checks what a quick build leaves out: the types, where the language has them apart from its compiler.
    ///
    /// # Errors
    ///
    /// As for [`Language::compile`].
    fn check(&self, _: &Project) -> Result<(), NotCompiled> {
        Ok(())
    }
    /// The command to run once in a new project, before anything else. `None` if none is needed.
    fn once(&self) -> Option<&'static str> {
        None
    }
    /// The files of a new project, apart from the manifest, the fixtures and the SDK.
    fn template(&self, new: &New) -> Vec<File>;
    /// The folder of a project in which the SDK lies, for example `vendor/sandgate-sdk`.
    fn sdk_folder(&self) -> &'static str;
    /// The SDK's files that this program carries, by their paths within [`Language::sdk_folder`].
    fn sdk(&self) -> &'static [SourceFile];
}

/// The output of a toolchain.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// A component, or a core module with the contract's types in a custom section, as `wit-bindgen` leaves them.
    pub wasm: Vec<u8>,
    /// The name and version of the SDK in it.
    pub sdk: Option<(String, String)>,
}

/// The output of a toolchain for `dev`.
#[derive(Clone, Debug)]
pub struct ForDev {
    /// The plugin, or an interpreter, which decides nothing without its source.
    pub compiled: Compiled,
    /// The source that the interpreter gets with its settings, in the SDK's format.
    pub source: Option<String>,
}

impl From<Compiled> for ForDev {
    fn from(compiled: Compiled) -> Self {
        Self {
            compiled,
            source: None,
        }
    }
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum NotCompiled {
    /// A part of the toolchain is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The project does not compile. The compiler has said why.
    #[error("it does not compile")]
    Errors,
    /// The project does not compile, or its manifest does not fit its sources. Holds the message of the SDK or compiler.
    #[error("{0}")]
    Said(String),
    /// A program exists, and cannot be run.
    #[error("cannot run {program}: {error}")]
    Run {
        /// The program's name.
        program: String,
        /// The cause.
        error: std::io::Error,
    },
    /// The project is not as it has to be.
    #[error("{0}")]
    Project(String),
}

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
    let text = cover::report(file).map(String::from_utf8);
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
