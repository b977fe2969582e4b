//! `sandgate pins`: the lock file of the policy `tool-pins`, which holds the tools' definitions that an operator
//! approved.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use sandgate_assembly::servers_apart;
use sandgate_config::{Environment, Loaded, Report};
use sandgate_gateway::Server;
use serde_json::Value;
use tool_pins::lock::{self, Fate, Lock, ToolDifference};

use crate::exit::{complain, refuse, runtime};
use crate::reached::Configured;
use crate::terminal::print;

/// `sandgate pins`.
#[derive(Clone, Debug, Subcommand)]
pub enum Pins {
    /// Approve every tool that the servers offer now, in a new lock file
    Lock(Lockable),
    /// Show how the tools that the servers offer now differ from the approved ones [exit code 1: they do]
    Diff(Compared),
    /// Approve what the servers offer now: all of it, or these servers and tools
    Approve(Approved),
}

/// The configuration and its lock file.
#[derive(Clone, Debug, Args)]
pub struct Located {
    /// The configuration with the servers.
    #[command(flatten)]
    pub configured: Configured,
    /// The lock file [default: pins.lock beside the configuration]
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
}

/// `sandgate pins lock`.
#[derive(Clone, Debug, Args)]
pub struct Lockable {
    /// The files.
    #[command(flatten)]
    pub located: Located,
    /// Write over a lock file that is there
    #[arg(long)]
    pub force: bool,
}

/// `sandgate pins diff`.
#[derive(Clone, Debug, Args)]
pub struct Compared {
    /// The files.
    #[command(flatten)]
    pub located: Located,
    /// Only these servers
    #[arg(value_name = "SERVER")]
    pub servers: Vec<String>,
}

/// `sandgate pins approve`.
#[derive(Clone, Debug, Args)]
pub struct Approved {
    /// The files.
    #[command(flatten)]
    pub located: Located,
    /// Only these
    #[arg(value_name = "SERVER[/TOOL]")]
    pub what: Vec<String>,
}

/// Why a verb of the lock file came to nothing.
#[derive(Debug, thiserror::Error)]
enum PinsError {
    #[error("the configuration cannot be used")]
    Config(Box<Report>),
    #[error("{0}")]
    Other(String),
}

/// Carries out the verb.
pub fn carry_out(asked: &Pins) -> ExitCode {
    let done = match asked {
        Pins::Lock(asked) => lock_all(asked),
        Pins::Diff(asked) => diff(asked),
        Pins::Approve(asked) => approve(asked),
    };
    match done {
        Ok(code) => code,
        Err(PinsError::Config(report)) => refuse(&report),
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn lock_all(asked: &Lockable) -> Result<ExitCode, PinsError> {
    let files = Files::of(&asked.located)?;
    if files.lock.exists() && !asked.force {
        return Err(PinsError::Other(format!(
            "{} is there already: see `sandgate pins diff` and `sandgate pins approve`, or use --force",
            files.lock.display()
        )));
    }
    // The configuration may name the file, and is then wrong without it.
    if !files.lock.exists() {
        files.write(&Lock::new())?;
    }
    let current = files.current(|_| true)?;
    files.write(&current)?;
    let count = current.iter().count();
    print(&format!(
        "{count} tools are approved in {}. Give it to the policy: settings.lock = {{ from-file = {:?} }}",
        files.lock.display(),
        files.lock.file_name().unwrap_or_default()
    ));
    Ok(ExitCode::SUCCESS)
}

fn diff(asked: &Compared) -> Result<ExitCode, PinsError> {
    let files = Files::of(&asked.located)?;
    let approved = files.approved()?;
    let wanted =
        |server: &str| asked.servers.is_empty() || asked.servers.iter().any(|it| it == server);
    let differences = lock::diff(&approved, &files.current(wanted)?);
    print(&shown(&differences));
    Ok(ExitCode::from(u8::from(!differences.is_empty())))
}

fn approve(asked: &Approved) -> Result<ExitCode, PinsError> {
    let files = Files::of(&asked.located)?;
    let mut approved = files.approved()?;
    let server_of = |what: &str| what.split('/').next().unwrap_or_default().to_owned();
    let wanted = |server: &str| {
        asked.what.is_empty() || asked.what.iter().any(|what| server_of(what) == server)
    };
    let current = files.current(wanted)?;
    let differences = lock::diff(&approved, &current);
    let chosen: Vec<ToolDifference> = differences
        .into_iter()
        .filter(|one| {
            let name = format!("{}/{}", one.server, one.tool);
            let is_named = |what: &String| *what == one.server || *what == name;
            asked.what.is_empty() || asked.what.iter().any(is_named)
        })
        .collect();
    for one in &chosen {
        take(&mut approved, &current, one);
    }
    if !chosen.is_empty() {
        files.write(&approved)?;
    }
    print(&shown(&chosen));
    print(&match chosen.len() {
        0 => "Nothing was approved: there is no such difference.".to_owned(),
        count => format!(
            "{count} of these are approved in {} now.",
            files.lock.display()
        ),
    });
    Ok(ExitCode::SUCCESS)
}

/// How the tools that servers offer now differ from the approved ones, by the configuration's own lock file, each with its
/// definition of now. Servers that are `stopped` are not asked.
///
/// # Errors
///
/// There is no lock file, or a server cannot be asked.
pub(crate) fn differences(
    config: &Path,
    stopped: &[String],
) -> Result<Vec<(ToolDifference, Option<Value>)>, String> {
    let files = Files::beside(config).map_err(|error| error.words())?;
    let approved = files.approved().map_err(|error| error.words())?;
    let is_asked = |server: &str| !stopped.iter().any(|one| one == server);
    let current = files.current(is_asked).map_err(|error| error.words())?;
    let differences = lock::diff(&approved, &current).into_iter();
    let with_definition = |one: ToolDifference| {
        let definition = definition(&current, &one).cloned();
        (one, definition)
    };
    Ok(differences.map(with_definition).collect())
}

/// The definition that the server gives now.
fn definition<'a>(current: &'a Lock, one: &ToolDifference) -> Option<&'a Value> {
    current.get(&one.server, &one.tool)?.definition.as_ref()
}

/// Approves what a server offers of one tool, if `is_seen` knows the difference again. Returns the lock file.
///
/// # Errors
///
/// It is not approved.
pub(crate) fn approve_one(
    config: &Path,
    (server, tool): (&str, &str),
    is_seen: impl Fn(&ToolDifference, Option<&Value>) -> bool,
) -> Result<PathBuf, String> {
    let files = Files::beside(config).map_err(|error| error.words())?;
    let mut approved = files.approved().map_err(|error| error.words())?;
    let current = files
        .current(|name| name == server)
        .map_err(|error| error.words())?;
    let differences = lock::diff(&approved, &current);
    let one = differences
        .iter()
        .find(|one| one.server == server && one.tool == tool)
        .ok_or("this tool does not differ any more")?;
    if !is_seen(one, definition(&current, one)) {
        return Err("the server says something else by now: compare again".to_owned());
    }
    take(&mut approved, &current, one);
    files.write(&approved).map_err(|error| error.words())?;
    Ok(files.lock)
}

/// Puts one difference into the lock.
fn take(approved: &mut Lock, current: &Lock, one: &ToolDifference) {
    match one.fate {
        Fate::Removed => {
            approved.withdraw(&one.server, &one.tool);
        }
        Fate::Added(_) | Fate::Changed { .. } => {
            if let Some(definition) = definition(current, one) {
                approved.approve(&one.server, definition);
            }
        }
    }
}

impl PinsError {
    fn words(&self) -> String {
        match self {
            Self::Config(report) => report.summary(),
            Self::Other(why) => why.clone(),
        }
    }
}

fn shown(differences: &[ToolDifference]) -> String {
    match differences.is_empty() {
        true => "No tool differs from the approved one.\n".to_owned(),
        false => differences.iter().map(ToString::to_string).collect(),
    }
}

/// The configuration and the place of its lock file.
struct Files {
    loaded: Loaded,
    lock: PathBuf,
}

impl Files {
    fn of(located: &Located) -> Result<Self, PinsError> {
        let loaded = Loaded::read(&located.configured.config)
            .map_err(|report| PinsError::Config(Box::new(report)))?;
        let lock = match &located.lock {
            Some(path) => path.clone(),
            None => loaded.files.path(Path::new("pins.lock")),
        };
        Ok(Self { loaded, lock })
    }

    /// The configuration with `pins.lock` beside it.
    fn beside(config: &Path) -> Result<Self, PinsError> {
        Self::of(&Located {
            configured: Configured {
                config: config.to_owned(),
            },
            lock: None,
        })
    }

    /// The approved tools.
    fn approved(&self) -> Result<Lock, PinsError> {
        let at = self.lock.display();
        let text = std::fs::read_to_string(&self.lock).map_err(|error| {
            PinsError::Other(format!(
                "{at}: {error}; `sandgate pins lock` writes a lock file"
            ))
        })?;
        lock::read(&text)
            .map_err(|error| PinsError::Other(format!("{at}: {} {}", error.pointer, error.message)))
    }

    /// The tools that the servers offer now, asked of the servers themselves and not of a running gateway.
    fn current(&self, wanted: impl Fn(&str) -> bool) -> Result<Lock, PinsError> {
        let servers = servers_apart(&self.loaded, &Environment::of_process())
            .map_err(|report| PinsError::Config(Box::new(report)))?;
        let servers: Vec<Arc<Server>> = servers
            .into_iter()
            .filter(|server| wanted(server.name()))
            .collect();
        let runtime = runtime(None).map_err(|error| PinsError::Other(error.to_string()))?;
        let asked = servers.iter().map(|server| {
            let asked = server.clone();
            runtime.spawn(async move { asked.tools().await })
        });
        let asked: Vec<_> = asked.collect();
        let mut current = Lock::new();
        for (server, asked) in servers.iter().zip(asked) {
            let tools = runtime
                .block_on(asked)
                .map_err(|error| PinsError::Other(error.to_string()))?
                .map_err(|error| PinsError::Other(error.to_string()))?;
            for tool in tools {
                let definition: Value = serde_json::from_str(tool.as_str()).unwrap_or_default();
                if !current.approve(server.name(), &definition) {
                    let name = server.name();
                    let why = format!("server {name:?} lists a tool without a name");
                    return Err(PinsError::Other(why));
                }
            }
        }
        runtime.block_on(async {
            for server in &servers {
                server.close().await;
            }
        });
        Ok(current)
    }

    /// Writes the lock file whole: a gateway that watches it never sees half of it.
    fn write(&self, lock: &Lock) -> Result<(), PinsError> {
        let failed =
            |error: std::io::Error| PinsError::Other(format!("{}: {error}", self.lock.display()));
        let beside = self.lock.with_extension("lock.new");
        std::fs::write(&beside, lock::write(lock)).map_err(failed)?;
        std::fs::rename(&beside, &self.lock).map_err(failed)
    }
}
