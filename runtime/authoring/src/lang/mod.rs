//! The languages that plugins are written in. Each is a file that answers four questions: is this folder mine, what do
//! I need, how do I make WebAssembly of it, and what does a new project look like.
//!
//! Everything else (encoding a core module as a component, the manifest, the checks, running it) is the same for all and
//! stands elsewhere.

mod c;
mod go;
mod interpreter;
mod python;
mod rust;
mod template;
mod typescript;

use std::path::Path;
use std::process::Command;

use super::project::Project;
use super::toolchain::Missing;
pub use template::{File, New};

/// One language.
pub trait Language: Sync {
    /// As `--lang` takes it: `rust`.
    fn key(&self) -> &'static str;
    /// As people write it: `Rust`.
    fn name(&self) -> &'static str;
    /// The file by which a project is known to be of this language: `Cargo.toml`.
    fn mark(&self) -> &'static str;
    /// Whether a project is of this language.
    fn owns(&self, folder: &Path) -> bool {
        folder.join(self.mark()).is_file()
    }
    /// Runs the toolchain. What its compiler says goes to stderr as it is.
    ///
    /// # Errors
    /// Something is missing, or it does not compile.
    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled>;
    /// The same for `sandgate plugin dev`, where what counts is the time from a save to a version that runs: it decides
    /// as the ordinary one does, but may be larger and slower.
    ///
    /// # Errors
    /// As [`Language::compile`].
    fn compile_for_dev(&self, project: &Project) -> Result<ForDev, NotCompiled> {
        self.compile(project).map(ForDev::from)
    }
    /// What is to be run once in a new project, before anything else.
    fn once(&self) -> Option<&'static str> {
        None
    }
    /// The files of a new project; the manifest and the fixtures are made for it.
    fn template(&self, new: &New) -> Vec<File>;
}

/// What a toolchain made.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// A component, or a core module with the contract's types in a custom section, as `wit-bindgen` leaves them.
    pub wasm: Vec<u8>,
    /// The SDK in it and its version.
    pub sdk: Option<(String, String)>,
}

/// What a toolchain made for `dev`.
#[derive(Clone, Debug)]
pub struct ForDev {
    /// The plugin; or an interpreter, which decides nothing without its source.
    pub compiled: Compiled,
    /// What the interpreter is given with its settings, in the words of its SDK.
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

/// Why there is nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotCompiled {
    /// A part of the toolchain.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The compiler has said why.
    #[error("it does not compile")]
    Errors,
    /// What the compiler said, where it has to be cut before anyone can read it.
    #[error("{0}\n\nit does not compile")]
    Said(String),
    /// A program that is there cannot be run.
    #[error("cannot run {program}: {error}")]
    Run {
        /// Which.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// The project is not as it has to be.
    #[error("{0}")]
    Project(String),
}

/// Every language, in the order in which they are named to people.
pub fn all() -> &'static [&'static dyn Language] {
    &[
        &rust::Rust,
        &python::Python,
        &typescript::TypeScript,
        &go::Go,
        &c::C,
    ]
}

/// By what `--lang` takes.
pub fn find(key: &str) -> Option<&'static dyn Language> {
    all().iter().copied().find(|language| language.key() == key)
}

/// Runs a compiler whose stdout is for us and whose stderr is for the author.
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
