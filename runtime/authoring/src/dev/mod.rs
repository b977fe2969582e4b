//! `sandgate plugin dev`: at every save the plugin is built and its fixtures run; a version that passes is written, and
//! the gateway that runs goes on with it. One that does not pass changes nothing.

mod compile;
mod decisions;
mod live;
mod lock;
mod making;
mod screen;
mod sources;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anstyle::{AnsiColor, Style};
use bytes::Bytes;
use decisions::Decisions;
use live::{Live, Swapped};
use lock::Lock;
use making::Making;
use sandgate_assembly::host_setup;
use sandgate_config::{Environment, Loaded};
use sandgate_host::{PluginFile, PrepareError};
use screen::Screen;
use sources::{Saved, Sources};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::build::{self, BuildError};
use super::manifest::MANIFEST;
use super::project::{Project, ProjectError};
use super::test::{self, NotTested, Tested};
use super::trial::Trial;
use crate::args;

pub use compile::compile;
pub use lock::LockError;

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// How often it is looked whether the gateway runs.
const LOOK: Duration = Duration::from_secs(2);

/// Why `dev` does not begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NotDeveloped {
    /// The folder is no plugin's.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Another `dev` has it, or it cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The gateway's configuration is not there.
    #[error("{} cannot be opened: {error}; give the configuration that the gateway runs on", path.display())]
    Gateway {
        /// As it was given.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The host itself.
    #[error(transparent)]
    Host(#[from] PrepareError),
    /// Nobody reads what it says, or no signal can be waited for.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Builds, tests and swaps at every save, until told to stop.
///
/// # Errors
/// It cannot begin, or nobody reads along any more. What is wrong with a plugin is said and waited out.
pub async fn dev(asked: &args::DevPlugin) -> Result<(), NotDeveloped> {
    let folder = &asked.folder;
    let lock = Lock::take(folder)?;
    if !folder.join(MANIFEST).exists() {
        // Says what a project is. One that is merely wrong is waited for.
        Project::open(folder, asked.lang.as_deref())?;
    }
    let mut live = None;
    if let Some(config) = &asked.gateway {
        std::fs::metadata(config).map_err(|error| NotDeveloped::Gateway {
            path: config.clone(),
            error,
        })?;
        live = Some(Live::new(config));
    }
    let cache = host_setup::cache_for(
        asked
            .gateway
            .as_deref()
            .and_then(|config| Loaded::read(config).ok())
            .as_ref(),
        &Environment::of_process(),
    );
    let stop = told()?;
    let mut sources = Sources::new(folder);
    let mut dev = Dev {
        folder,
        language: asked.lang.as_deref(),
        live,
        trial: Trial::keeping(cache)?,
        screen: Screen::stdout(),
        lock: Some(lock),
        tried: 0,
        built: None,
        good: None,
        decisions: None,
        runs: None,
        noted: None,
    };
    let mut since = Since::start();
    loop {
        // What was saved while this works is begun anew with; so it is dropped, and the compiler with it.
        let made = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            saved = sources.changed() => {
                since = dev.saved(&saved);
                continue;
            }
            made = dev.make() => made?,
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            told = dev.tell(made, &since) => told?,
        }
        let saved = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                saved = sources.changed() => break saved,
                () = tokio::time::sleep(LOOK) => {}
            }
            dev.look().await?;
        };
        since = dev.saved(&saved);
    }
}

/// Tells on Ctrl-C, SIGTERM and when the terminal goes away.
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
    language: Option<&'a str>,
    live: Option<Live>,
    trial: Trial,
    screen: Screen<io::Stdout>,
    lock: Option<Lock>,
    /// Versions that were tried.
    tried: u32,
    /// What the sources came to, unless they were saved since.
    built: Option<PluginFile>,
    /// The last version that was written.
    good: Option<u32>,
    /// Of the last version that ran.
    decisions: Option<Decisions>,
    /// Whether the gateway runs, where it is known.
    runs: Option<bool>,
    /// What was last said of the gateway: not said again with each version.
    noted: Option<String>,
}

/// What came of a version, before anything is written.
enum Made {
    /// The folder is gone.
    Gone,
    /// There is nothing to run. What to read, and what it comes to in a few words.
    NotBuilt { said: String, why: String },
    /// Its fixtures were run.
    Tested {
        said: String,
        file: Box<PluginFile>,
        /// None: there are no fixtures.
        tested: Option<Tested>,
        build: Duration,
    },
}

impl Dev<'_> {
    /// What is to be made anew after this.
    fn saved(&mut self, saved: &Saved) -> Since {
        if saved.paths.iter().any(|path| !path.starts_with("fixtures")) {
            self.built = None;
        }
        Since::save(saved)
    }

    /// Builds and tests. Safe to cancel: nothing but scratch is written.
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
                self.screen.doing(&format!("{QUIET}building{QUIET:#}"))?;
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
        self.screen.doing(&format!("{QUIET}testing{QUIET:#}"))?;
        let fixtures = self.folder.join("fixtures");
        let tested = match test::all(&self.trial, &file, &fixtures, false).await {
            Ok(tested) => Some(tested),
            Err(NotTested::NoFixtures { .. }) => match build::try_out(&self.trial, &file).await {
                Ok(_) => None,
                Err(error) => {
                    let error = BuildError::Run(error);
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

    /// Says what came of it; writes and swaps what passed.
    async fn tell(&mut self, made: Made, since: &Since) -> io::Result<()> {
        if let Made::Gone = made {
            let folder = self.folder.display();
            let status = format!(
                "{BAD}{folder} is gone{BAD:#}; {}; put it back to go on",
                self.kept()
            );
            return self.screen.status(&status);
        }
        self.tried += 1;
        let number = self.tried;
        let (said, file, tested, build) = match made {
            Made::Gone => return Ok(()),
            Made::NotBuilt { said, why } => {
                self.screen.above(said.trim_start_matches('\n'))?;
                let status = format!("version {number} {BAD}{why}{BAD:#}; {}", self.kept());
                return self.screen.status(&status);
            }
            Made::Tested {
                said,
                file,
                tested,
                build,
            } => (said, file, tested, build),
        };
        self.screen.above(&said)?;
        let (passed, failed) = tested
            .as_ref()
            .map_or((0, 0), |tested| (tested.passed(), tested.failed()));
        if let Some(tested) = &tested {
            self.screen.above(&tested.failures())?;
        }
        let now = tested.map(Tested::into_decisions).unwrap_or_default();
        if let Some(before) = &self.decisions {
            self.screen.above(&decisions::difference(before, &now))?;
        }
        self.decisions = Some(now);
        let title = format!("{} version {number}", file.manifest().name);
        if failed > 0 {
            let fail = if failed == 1 { "fails" } else { "fail" };
            let all = passed + failed;
            let kept = self.kept();
            return self.screen.status(&format!(
                "{title}: built in {}, {BAD}{failed} of {all} fixtures {fail}{BAD:#}; {kept}",
                lasting(build)
            ));
        }
        let tests = match passed {
            0 => "no fixtures".to_owned(),
            1 => "1 fixture passes".to_owned(),
            n => format!("{n} fixtures pass"),
        };
        let output = self
            .folder
            .join("target")
            .join(format!("{}.wasm", file.manifest().name));
        if let Err(error) = build::write(&file, &output) {
            let kept = self.kept();
            return self
                .screen
                .status(&format!("{title}: {BAD}{error}{BAD:#}; {kept}"));
        }
        let before = self.kept();
        self.good = Some(number);
        let mut status = format!("{title}: built in {}, {tests}, ", lasting(build));
        match self.swap(&file, &output).await {
            None => {
                let _ = write!(status, "{OK}written{OK:#}");
            }
            Some(Swapped::Live {
                edition,
                interceptors,
            }) => {
                let names = interceptors.join(", ");
                let _ = write!(status, "{OK}live{OK:#} in edition {edition} as {names}");
                (self.runs, self.noted) = (Some(true), None);
            }
            Some(Swapped::NotRunning(why)) => {
                let _ = write!(status, "written; no gateway runs");
                self.runs = Some(false);
                let config = self.config();
                self.note(format!(
                    "{why}: start it with `sandgate run --config {config}`"
                ))?;
            }
            Some(Swapped::Unused(lines)) => {
                let config = self.config();
                let _ = write!(status, "written; {config} does not use it");
                self.note(format!(
                    "no interceptor of {config} has this plugin; add these lines:\n\n{lines}"
                ))?;
            }
            Some(Swapped::Refused(why)) => {
                let _ = write!(
                    status,
                    "{BAD}not live{BAD:#}: the gateway keeps what it has"
                );
                if self.runs == Some(true) {
                    let _ = write!(status, " ({before})");
                }
                self.note(why)?;
            }
        }
        let _ = write!(status, " {QUIET}({}){QUIET:#}", since.told());
        self.screen.status(&status)
    }

    async fn swap(&self, file: &PluginFile, output: &Path) -> Option<Swapped> {
        let live = self.live.clone()?;
        let (name, output) = (file.manifest().name.clone(), output.to_owned());
        let asked = tokio::task::spawn_blocking(move || live.swap(&name, &output)).await;
        Some(asked.unwrap_or_else(|error| Swapped::Refused(error.to_string())))
    }

    /// Says so where the gateway has ended or is back.
    async fn look(&mut self) -> io::Result<()> {
        let (Some(live), Some(ran)) = (self.live.clone(), self.runs) else {
            return Ok(());
        };
        let asked = tokio::task::spawn_blocking(move || live.process()).await;
        let process = asked.unwrap_or_default();
        if process.is_some() == ran {
            return Ok(());
        }
        self.runs = Some(!ran);
        let config = self.config();
        self.screen.status(&match (process, self.good) {
            (Some(process), Some(good)) => format!(
                "the gateway on {config} {OK}is back{OK:#} (process {process}), with version {good}"
            ),
            (Some(process), None) => format!("the gateway on {config} is back (process {process})"),
            (None, _) => format!(
                "the gateway on {config} {BAD}has ended{BAD:#}: start it with `sandgate run --config {config}`"
            ),
        })
    }

    /// Once, until there is something else to say.
    fn note(&mut self, text: String) -> io::Result<()> {
        if self.noted.as_ref() != Some(&text) {
            self.screen.above(&text)?;
            self.noted = Some(text);
        }
        Ok(())
    }

    fn config(&self) -> String {
        let config = self
            .live
            .as_ref()
            .map(|live| live.config().display().to_string());
        config.unwrap_or_default()
    }

    /// What goes on as it was.
    fn kept(&self) -> String {
        match (self.good, self.runs) {
            (Some(good), Some(true)) => format!("version {good} keeps running"),
            (Some(good), _) => format!("version {good} is kept"),
            (None, _) => "what was there before is kept".to_owned(),
        }
    }
}

/// From when a version's time counts.
struct Since {
    at: SystemTime,
    what: &'static str,
}

impl Since {
    fn start() -> Self {
        Self {
            at: SystemTime::now(),
            what: "the start",
        }
    }

    /// The file's own time, unless its clock is another one.
    fn save(saved: &Saved) -> Self {
        const SOON: Duration = Duration::from_secs(5);
        let now = SystemTime::now();
        let near = now.duration_since(saved.at).is_ok_and(|age| age < SOON);
        Self {
            at: if near { saved.at } else { now },
            what: "the save",
        }
    }

    fn told(&self) -> String {
        let age = self.at.elapsed().unwrap_or_default();
        format!("{} after {}", lasting(age), self.what)
    }
}

fn lasting(time: Duration) -> String {
    match time.as_millis() {
        short @ 0..1000 => format!("{short} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
