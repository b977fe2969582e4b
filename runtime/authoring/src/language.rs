//! A language that plugins are written in, and a project that is written in one: what each asks of the other.

use std::path::{Path, PathBuf};

use super::cover::Ran;
use super::lang::{File, New};
use super::manifest::Authored;
use super::stages::Stages;
use super::toolchain::Missing;

/// A plugin's project.
pub struct Project {
    /// The project's folder.
    pub folder: PathBuf,
    /// The project's manifest.
    pub authored: Authored,
    /// The language of the sources.
    pub language: &'static dyn Language,
    /// Where it is shown what a build is doing.
    pub stages: Stages,
}

/// A source file: its path within the SDK, and its bytes.
pub type SourceFile = (&'static str, &'static [u8]);

/// What goes into a build besides the files of the project's folder.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The toolchain's version, and the variables that it obeys.
    pub words: Vec<String>,
    /// Folders of installed packages. A file there is told by its size and its times.
    pub installed: Vec<PathBuf>,
}

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

impl Project {
    /// Begins the stage in which a compiler runs. One that writes on the terminal itself has it to itself.
    pub(crate) fn compiling(&self) {
        let what = format!("compiling {} ({})", self.name(), self.language.name());
        self.stages.begin(&what);
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.authored.manifest.name
    }

    /// The path of the built component.
    pub fn output(&self) -> PathBuf {
        self.folder
            .join("target")
            .join(format!("{}.wasm", self.name()))
    }
}
