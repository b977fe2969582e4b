//! Clients' own files: a configuration made from their lists of servers (`sandgate import`), and what they say to reach the
//! gateway.
//!
//! An import makes a configuration from the files in which MCP clients list their servers. What looks like a
//! secret is not copied: it is fetched from the environment, and the report says which variables to set. What cannot be
//! taken over is reported, with what to do.

mod client;
pub mod client_config;
mod client_file;
mod command_line;
mod entry;
mod name;
mod report;
mod secret;
mod shell;
mod text;
mod variables;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::client_file::ClientFile;
use self::entry::Imported;
use self::variables::Variables;
use sandgate_config::{FileError, Files, Loaded};

/// The largest client's file that is read, in bytes. These files also hold other settings.
const LARGEST: u64 = 8 << 20;

/// The result of an import.
#[derive(Debug)]
pub struct Import {
    files: Vec<ClientFile>,
    servers: Vec<Imported>,
    variables: Variables,
    left_out: Vec<LeftOut>,
}

/// A server that was not taken over.
#[derive(Debug)]
struct LeftOut {
    name: String,
    why: String,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not JSON.
    #[error("{} is not JSON, with or without comments: {what}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The file is JSON, and not a client's list of servers.
    #[error(
        "{} lists no MCP servers in a way that is known here: {found}. Expected `mcpServers` (Claude, Cursor, Windsurf and \
         others), `servers` (VS Code) or `context_servers` (Zed), for example \
         {{\"mcpServers\": {{\"time\": {{\"command\": \"mcp-server-time\"}}}}}}",
        .path.display()
    )]
    Shape {
        /// The file's path.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The configuration cannot be written.
    #[error("{} cannot be written: {source}{}", .path.display(), match .source.kind() {
        std::io::ErrorKind::AlreadyExists => "; choose another name, or give --force to write over it",
        _ => "",
    })]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The result is not a valid configuration: a bug of this program.
    #[error("the result cannot be used as a configuration: {0}")]
    Unusable(String),
}

/// What to import, and what to output.
#[derive(Clone, Debug)]
pub struct Request {
    /// The clients' files.
    pub files: Vec<PathBuf>,
    /// The file that the configuration is written to. `None`: it is the output.
    pub output: Option<PathBuf>,
    /// Whether an existing file is overwritten.
    pub force: bool,
    /// Whether the output is the entries for the clients' own files.
    pub client_config: bool,
}

/// The output of `sandgate import`.
#[derive(Debug)]
pub struct Said {
    /// The text for stdout: the configuration, or the entries for the clients' files.
    pub output: String,
    /// The report for people, for stderr.
    pub report: String,
}

/// Whether a variable or header is a secret, by its name or by its value, where that is known.
pub fn is_secret(name: &str, value: Option<&str>) -> bool {
    let value = value.unwrap_or("value");
    secret::named_secret(name, value) || secret::looks_secret(value)
}

/// The name of an environment variable that these parts make.
pub fn variable_name(parts: &[&str]) -> String {
    name::variable(parts)
}

/// The nearest valid name of a server.
pub fn server_name(given: &str) -> String {
    name::Names::default().give(given)
}

/// Imports, and writes the configuration if an output file is given.
///
/// # Errors
///
/// Nothing was imported or written.
pub fn run(asked: &Request) -> Result<Said, ImportError> {
    let import = Import::of(&asked.files)?;
    let mut report = import.report();
    if let Some(path) = &asked.output {
        write(path, &import.text(), asked.force).map_err(|source| ImportError::Write {
            path: path.clone(),
            source,
        })?;
        report.push_str(&format!("Written to {}.\n", path.display()));
    }
    let config_file = asked.output.as_deref();
    let output = match (asked.client_config, &asked.output) {
        (true, _) => {
            let config_file = config_file.unwrap_or(Path::new("sandgate.toml"));
            let clients = import.clients(config_file);
            clients
                .iter()
                .map(|client| format!("{client:#}\n"))
                .collect()
        }
        (false, Some(_)) => String::new(),
        (false, None) => import.text(),
    };
    Ok(Said { output, report })
}

/// Writes the file as a whole or not at all, readable by its owner only.
fn write(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let written = match force {
        true => file.persist(path),
        false => file.persist_noclobber(path),
    };
    written.map(|_| ()).map_err(|error| error.error)
}

impl Import {
    /// Reads the files. Relative paths are relative to the working directory.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is not a client's file. Nothing is imported from the others either.
    pub fn of(files: &[PathBuf]) -> Result<Self, ImportError> {
        let here = Files::in_folder(Path::new(""));
        let read = files.iter().map(|path| {
            let bytes = here.read(path, LARGEST)?;
            ClientFile::read(path, &String::from_utf8_lossy(&bytes))
        });
        let files: Vec<ClientFile> = read.collect::<Result<_, _>>()?;
        let mut import = Self {
            files: Vec::new(),
            servers: Vec::new(),
            variables: Variables::default(),
            left_out: Vec::new(),
        };
        let mut names = name::Names::default();
        for file in files {
            for (given, value) in &file.servers {
                import.take(&file, given, value, &mut names);
            }
            import.files.push(file);
        }
        let text = import.text();
        match Loaded::parse(Path::new("sandgate.toml"), text) {
            Ok(_) => Ok(import),
            Err(report) => Err(ImportError::Unusable(report.summary())),
        }
    }

    fn take(&mut self, file: &ClientFile, given: &str, value: &Value, names: &mut name::Names) {
        let mut variables = self.variables.clone();
        let name = names.give(given);
        let mut imported = match entry::import(file, given, &name, value, &mut variables) {
            Ok(imported) => imported,
            Err(why) => {
                names.take_back(&name);
                self.left_out.push(LeftOut {
                    name: given.to_owned(),
                    why,
                });
                return;
            }
        };
        if name != given {
            imported.notes.insert(
                0,
                format!("called {name:?} here: a name is letters, digits, `-` and single `_`, and is given once"),
            );
        }
        // Each server is checked alone, so that an invalid one does not cost another.
        match Loaded::parse(Path::new("sandgate.toml"), text::server(&imported)) {
            Ok(_) => {
                if !imported.disabled {
                    self.variables = variables;
                }
                self.servers.push(imported);
            }
            Err(report) => {
                names.take_back(&name);
                let why = report
                    .issues
                    .first()
                    .map(|issue| issue.message.clone())
                    .unwrap_or_default();
                self.left_out.push(LeftOut {
                    name: given.to_owned(),
                    why,
                });
            }
        }
    }

    /// The configuration, in TOML.
    pub fn text(&self) -> String {
        text::configuration(self)
    }

    /// The report for people: what was taken over, what was not, and what is left to do.
    pub fn report(&self) -> String {
        report::report(self)
    }

    /// The entries for the clients' own files, in the order of the files. `config_file` is the path of the
    /// configuration.
    pub fn clients(&self, config_file: &Path) -> Vec<Value> {
        self.files
            .iter()
            .map(|file| client::through_gateway(file, &self.servers, config_file))
            .collect()
    }

    /// The names of the variables that the configuration fetches.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name)
    }
}
