//! `sandgate plugin dev`: builds a plugin at every save and runs its fixtures. A version that passes is written, and
//! the running gateway takes it over. A version that does not pass changes nothing.

mod compile;
mod decisions;
mod live;
mod lock;
mod making;
mod own_gateway;
mod page;
mod screen;
mod since;
mod sources;
mod verdict;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use bytes::Bytes;
use decisions::Decisions;
use live::Live;
use lock::Lock;
use making::Making;
use own_gateway::OwnGateway;
use page::Command;
use sandgate_assembly::host_setup;
use sandgate_config::{Environment, Loaded};
use sandgate_host::{PluginFile, PrepareError};
use screen::Screen;
use since::Since;
use sources::{Saved, Sources};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::build::BuildError;
use super::language::Project;
use super::manifest::MANIFEST;
use super::project::ProjectError;
use super::smoke::smoke;
use super::test::{self, NotTested, Tested};
use super::trial::Trial;
use crate::args::{self, LanguageName};

pub use compile::compile;
pub use lock::LockError;

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// How often to look at the gateway: whether it runs, and its calls.
const LOOK: Duration = Duration::from_secs(1);

/// Why `dev` cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum NotDeveloped {
    /// The folder is not a plugin's project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Another `dev` holds the project's lock, or the lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The gateway's configuration cannot be opened.
    #[error("{} cannot be opened: {error}; give the configuration that the gateway runs on", path.display())]
    Gateway {
        /// The path as it was given.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// `--server` names a server that is not there.
    #[error("--server {server}: {} has no such server; there is {known}", config.display())]
    Server {
        /// The server.
        server: String,
        /// The servers that there are.
        known: String,
        /// The project's configuration.
        config: PathBuf,
    },
    /// The host cannot be created.
    #[error(transparent)]
    Host(#[from] PrepareError),
    /// Output cannot be written, or signals cannot be received.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Builds, tests and swaps the plugin at every save, until told to stop.
///
/// # Errors
///
/// `dev` cannot begin, or its output cannot be written any more. Errors of the plugin are reported and waited out.
pub async fn dev(asked: &args::DevPlugin) -> Result<(), NotDeveloped> {
    let folder = &asked.folder;
    let lock = Lock::take(folder)?;
    if !folder.join(MANIFEST).exists() {
        // Fails with what a project is. A project that is merely wrong is waited for.
        Project::open(folder, asked.lang)?;
    }
    let mut live = None;
    if let Some(config) = &asked.gateway {
        std::fs::metadata(config).map_err(|error| NotDeveloped::Gateway {
            path: config.clone(),
            error,
        })?;
        live = Some(Live::new(config));
    }
    let own = match &asked.server {
        Some(server) => Some(OwnGateway::new(folder, server)?),
        None => None,
    };
    if let Some(own) = &own {
        live = Some(Live::new(own.config()));
    }
    let cache = host_setup::cache_for(
        live.as_ref()
            .map(Live::config)
            .and_then(|config| Loaded::read(config).ok())
            .as_ref(),
        &Environment::of_process(),
    );
    let trial = Trial::keeping(cache)?;
    let stop = told()?;
    let mut sources = Sources::new(folder);
    let config = live.as_ref().map(|live| live.config().to_owned());
    let (screen, mut keys) = Screen::open(&title(folder), config.as_deref(), &stop)?;
    let mut dev = Dev {
        folder,
        language: asked.lang,
        time_factor: asked.time.time_factor,
        live,
        own,
        trial,
        screen,
        lock: Some(lock),
        tried: 0,
        built: None,
        good: None,
        decisions: None,
        runs: None,
        noted: None,
        interceptors: Vec::new(),
    };
    let ended = dev.run(&mut sources, &mut keys, &stop).await;
    dev.screen.close();
    if let Some(own) = &mut dev.own {
        own.stop().await;
    }
    Ok(ended?)
}

/// What the page is of.
fn title(folder: &Path) -> String {
    let whole = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    format!("sandgate plugin dev: {name}")
}

/// A token that is cancelled on Ctrl-C, on SIGTERM and when the terminal goes away.
fn told() -> io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let tell = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        tell.cancel();
    });
    Ok(stop)
}

/// A project under development.
struct Dev<'a> {
    folder: &'a Path,
    language: Option<LanguageName>,
    time_factor: u32,
    live: Option<Live>,
    /// The gateway that this `dev` starts.
    own: Option<OwnGateway>,
    trial: Trial,
    screen: Screen,
    lock: Option<Lock>,
    /// The number of versions that were tried.
    tried: u32,
    /// The plugin built from the present sources. `None` after a save.
    built: Option<PluginFile>,
    /// The number of the last version that was written.
    good: Option<u32>,
    /// The decisions of the last version that ran.
    decisions: Option<Decisions>,
    /// Whether the gateway runs, if known.
    runs: Option<bool>,
    /// The last note about the gateway, which is not repeated with each version.
    noted: Option<String>,
    /// The interceptors of the gateway that have this plugin.
    interceptors: Vec<String>,
}

/// The outcome of a version, before anything is written.
enum Made {
    /// The project's folder is gone.
    Gone,
    /// There is nothing to run. Holds the output to read, and the reason in a few words.
    NotBuilt { said: String, why: String },
    /// The version's fixtures were run.
    Tested {
        said: String,
        file: Box<PluginFile>,
        /// `None` if there are no fixtures.
        tested: Option<Tested>,
        build: Duration,
    },
}

impl Dev<'_> {
    /// Builds, tests and swaps the plugin at every save, until told to stop.
    async fn run(
        &mut self,
        sources: &mut Sources,
        keys: &mut Option<Receiver<Command>>,
        stop: &CancellationToken,
    ) -> io::Result<()> {
        let mut since = Since::start();
        loop {
            // A save in the meantime drops the build and its compiler, and the loop begins anew.
            let made = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                saved = sources.changed() => {
                    since = self.saved(&saved);
                    continue;
                }
                made = self.make() => made?,
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                told = self.tell(made, &since) => told?,
            }
            since = loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(()),
                    saved = sources.changed() => break self.saved(&saved),
                    command = next(keys) => match command {
                        Command::Rerun => {
                            self.built = None;
                            break Since::key();
                        }
                        Command::Bless => self.bless().await?,
                    },
                    () = tokio::time::sleep(LOOK) => {}
                }
                self.look().await?;
            };
        }
    }

    /// Writes into the fixtures what came of them. That they changed is then noticed like every save.
    async fn bless(&mut self) -> io::Result<()> {
        let Some(file) = self.built.clone() else {
            return self
                .screen
                .notice("nothing is blessed: there is no version that ran");
        };
        let notice = match self.tested(&file, true).await {
            Ok(tested) => match (tested.blessed(), tested.failed()) {
                (0, 0) => "nothing is blessed: every fixture is as expected".to_owned(),
                (0, _) => "nothing is blessed: a failure never is".to_owned(),
                (1, _) => "1 fixture is written anew".to_owned(),
                (n, _) => format!("{n} fixtures are written anew"),
            },
            Err(error) => error.to_string(),
        };
        self.screen.notice(&notice)
    }

    async fn tested(&self, file: &PluginFile, bless: bool) -> Result<Tested, NotTested> {
        let fixtures = test::chosen(&self.folder.join("fixtures"), &[])?;
        test::all(&self.trial, file, fixtures, bless, self.time_factor).await
    }

    /// Notes a save: the plugin must be built again, unless only fixtures changed.
    fn saved(&mut self, saved: &Saved) -> Since {
        if saved.paths.iter().any(|path| !path.starts_with("fixtures")) {
            self.built = None;
        }
        Since::save(saved)
    }

    /// Builds and tests the plugin. Safe to cancel: only temporary files are written.
    async fn make(&mut self) -> io::Result<Made> {
        if !self.folder.is_dir() {
            self.lock = None;
            self.built = None;
            return Ok(Made::Gone);
        }
        if self.lock.is_none() {
            match Lock::take(self.folder) {
                Ok(lock) => self.lock = Some(lock),
                Err(error) => {
                    return Ok(Made::NotBuilt {
                        said: String::new(),
                        why: error.to_string(),
                    });
                }
            }
        }
        let started = Instant::now();
        let (said, file) = match self.built.clone() {
            Some(file) => (String::new(), file),
            None => {
                self.screen.doing("building")?;
                let into = self.folder.join("target").join("dev.wasm.new");
                let colours = self.screen.shows_colours();
                let made = match Making::start(self.folder, self.language, &into, colours) {
                    Ok(making) => making.finished().await,
                    Err(error) => Err(error),
                };
                let made = match made {
                    Ok(made) => made,
                    Err(error) => {
                        return Ok(Made::NotBuilt {
                            said: String::new(),
                            why: format!("cannot be built: {error}"),
                        });
                    }
                };
                let Some(component) = made.component else {
                    let why = "does not build".to_owned();
                    return Ok(Made::NotBuilt {
                        said: made.said,
                        why,
                    });
                };
                match PluginFile::read(Bytes::from(component)) {
                    Ok(file) => (made.said, file),
                    Err(error) => {
                        let said = format!("{}\n{}", made.said, BuildError::File(error));
                        let why = "is no plugin".to_owned();
                        return Ok(Made::NotBuilt { said, why });
                    }
                }
            }
        };
        self.built = Some(file.clone());
        let build = started.elapsed();
        self.screen.doing("testing")?;
        let tested = match self.tested(&file, false).await {
            Ok(tested) => Some(tested),
            Err(NotTested::NoFixtures { .. }) => match smoke(&self.trial, &file, &Vec::new()).await
            {
                Ok(_) => None,
                Err(error) => {
                    let error = BuildError::Smoke(error);
                    return Ok(Made::NotBuilt {
                        said: format!("{said}\n{error}"),
                        why: "does not run".into(),
                    });
                }
            },
            Err(error) => {
                return Ok(Made::NotBuilt {
                    said: format!("{said}\n{error}"),
                    why: "cannot be tested".into(),
                });
            }
        };
        Ok(Made::Tested {
            said,
            file: Box::new(file),
            tested,
            build,
        })
    }
}

/// The next command of a key. Where there are no keys, none ever comes.
async fn next(keys: &mut Option<Receiver<Command>>) -> Command {
    if let Some(keys) = keys
        && let Some(command) = keys.recv().await
    {
        return command;
    }
    std::future::pending().await
}
