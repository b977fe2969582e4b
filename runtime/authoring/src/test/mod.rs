//! `sandgate plugin test`: runs every fixture of a plugin as the gateway would, in a world that the fixture describes.

mod expectation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use sandgate_assembly::inspect;
use sandgate_config::Report;
use sandgate_host::{Grants, Plugin, PluginFile, PrepareError, Simulation};
use serde_json::{Map, Value};

use self::expectation::{actual, blessed, differs};
use super::build::{self, BuildError};
use super::fixture::{self, Fixture};
use super::junit;
use super::project::Project;
use super::trial::{Seen, Trial};
use crate::args;

pub(crate) use expectation::item;

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Why no fixture was run.
#[derive(Debug, thiserror::Error)]
pub enum NotTested {
    /// The plugin cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The file is not a plugin.
    #[error("{0}")]
    File(String),
    /// The plugin was never built.
    #[error("{} is not there: run `sandgate plugin build` first, or leave --no-build out", .0.display())]
    NotBuilt(PathBuf),
    /// There are no fixtures.
    #[error("{} {why}: a fixture is a TOML file in it; see docs/plugins.md", folder.display())]
    NoFixtures {
        /// The folder of the fixtures.
        folder: PathBuf,
        /// What is wrong with the folder.
        why: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// The host cannot be created.
    #[error(transparent)]
    Host(PrepareError),
}

/// The results of all fixtures.
pub struct Tested {
    title: String,
    results: Vec<FixtureResult>,
    /// The outcome of each fixture, in the words of `[expect]`.
    decisions: BTreeMap<String, Map<String, Value>>,
    blessed: usize,
}

/// The result of a fixture.
pub(super) struct FixtureResult {
    pub(super) name: String,
    pub(super) took: Duration,
    /// What is not as expected, for people. `None` if everything is.
    pub(super) wrong: Option<String>,
}

/// Builds the plugin and runs its fixtures.
///
/// # Errors
///
/// No fixture could be run, or a file cannot be written.
pub async fn test(asked: &args::TestPlugin) -> Result<Tested, NotTested> {
    let file = plugin(asked).await?;
    let folder = asked
        .fixtures
        .clone()
        .unwrap_or_else(|| asked.folder.join("fixtures"));
    let trial = Trial::new().map_err(NotTested::Host)?;
    let tested = all(&trial, &file, &folder, asked.bless).await?;
    if let Some(path) = &asked.junit {
        let text = junit::report(&tested.title, &tested.results);
        std::fs::write(path, text).map_err(|error| NotTested::Write {
            path: path.clone(),
            error,
        })?;
    }
    Ok(tested)
}

/// Runs every fixture of a folder.
pub(super) async fn all(
    trial: &Trial,
    file: &PluginFile,
    folder: &Path,
    bless: bool,
) -> Result<Tested, NotTested> {
    let none = |why: String| NotTested::NoFixtures {
        folder: folder.to_owned(),
        why,
    };
    let fixtures =
        fixture::read_all(folder).map_err(|error| none(format!("cannot be read ({error})")))?;
    if fixtures.is_empty() {
        return Err(none("holds no fixtures".into()));
    }
    let mut stand = Stand {
        trial,
        file,
        prepared: Vec::new(),
    };
    let mut tested = Tested {
        title: format!("{} {}", file.manifest().name, file.manifest().version),
        results: Vec::new(),
        decisions: BTreeMap::new(),
        blessed: 0,
    };
    for fixture in fixtures {
        tested.one(&mut stand, fixture, bless).await?;
    }
    Ok(tested)
}

/// Fills a fixture's `[expect]` with the outcome. Returns the fixture's text and the decision's name.
///
/// # Errors
///
/// The text is not a fixture, or cannot be run. The error says why, for people.
pub(crate) async fn with_expectation(
    file: PluginFile,
    path: &Path,
    text: String,
) -> Result<(String, &'static str), String> {
    let fixture = Fixture::parse(path, text).map_err(|report| report.render(false))?;
    let trial = Trial::new().map_err(|error| error.to_string())?;
    let mut stand = Stand {
        trial: &trial,
        file: &file,
        prepared: Vec::new(),
    };
    let (seen, state) = stand.run(&fixture).await?;
    let actual = actual(&seen, &state, &fixture);
    Ok((blessed(fixture.source.text(), &actual), seen.decided.word()))
}

async fn plugin(asked: &args::TestPlugin) -> Result<PluginFile, NotTested> {
    if let Some(file) = &asked.plugin {
        return inspect::read(file).map_err(NotTested::File);
    }
    if !asked.no_build {
        let built = build::build(&asked.folder, asked.lang.as_deref()).await?;
        return Ok(built.file);
    }
    let project = Project::open(&asked.folder, asked.lang.as_deref()).map_err(BuildError::from)?;
    let path = project.output();
    if !path.is_file() {
        return Err(NotTested::NotBuilt(path));
    }
    inspect::read(&path.display().to_string()).map_err(NotTested::File)
}

/// The plugin, prepared once for each combination of settings and variables that fixtures give it.
struct Stand<'a> {
    trial: &'a Trial,
    file: &'a PluginFile,
    prepared: Vec<Ready>,
}

/// A plugin, and the settings and variables that it was prepared with.
struct Ready {
    settings: Value,
    env: Vec<(String, String)>,
    plugin: Plugin,
}

impl Stand<'_> {
    async fn run(
        &mut self,
        fixture: &Fixture,
    ) -> Result<(Seen, BTreeMap<String, Vec<u8>>), String> {
        let name = self.file.manifest().name.clone();
        let index = self.prepare(fixture).await?;
        let state = self.trial.state();
        state.fill(&name, &fixture.state)?;
        let simulation =
            Simulation::closed(fixture.now, fixture.random.clone(), fixture.http.clone());
        let plugin = &mut self.prepared[index].plugin;
        let seen = fixture.exercise.run(plugin, simulation).await;
        Ok((seen, self.trial.state().entries(&name)))
    }

    async fn prepare(&mut self, fixture: &Fixture) -> Result<usize, String> {
        let known = self
            .prepared
            .iter()
            .position(|ready| ready.settings == fixture.settings && ready.env == fixture.env);
        if let Some(index) = known {
            return Ok(index);
        }
        let asks = &self.file.manifest().asks;
        let grants = Grants {
            state: asks.state.is_some(),
            // Every host that the plugin asks for is granted: only the fixture's own answers can be had.
            http: asks
                .http
                .iter()
                .flat_map(|http| self.hosts(&http.hosts, fixture))
                .collect(),
            dirs: Vec::new(),
            env: fixture.env.clone(),
        };
        let plugin = self
            .trial
            .prepare(self.file.clone(), fixture.settings.clone(), grants)
            .await;
        let plugin = plugin.map_err(|error| match error {
            PrepareError::Settings(issues) => {
                let issues = issues
                    .iter()
                    .map(|issue| format!("\n  settings{}: {}", issue.pointer, issue.message));
                format!(
                    "its settings are not accepted:{}",
                    issues.collect::<String>()
                )
            }
            error => error.to_string(),
        })?;
        self.prepared.push(Ready {
            settings: fixture.settings.clone(),
            env: fixture.env.clone(),
            plugin,
        });
        Ok(self.prepared.len() - 1)
    }

    /// The hosts that the plugin asks for by name. If it asks for any host that the operator lists, those of the
    /// fixture.
    fn hosts(&self, asked: &[String], fixture: &Fixture) -> Vec<String> {
        let answered = fixture.http.iter().filter_map(|answer| {
            let url: http::Uri = answer.url.parse().ok()?;
            Some(url.authority()?.to_string())
        });
        asked
            .iter()
            .filter(|host| *host != "*")
            .cloned()
            .chain(answered.filter(|_| asked.iter().any(|host| host == "*")))
            .collect()
    }
}

impl Tested {
    async fn one(
        &mut self,
        stand: &mut Stand<'_>,
        fixture: Result<Fixture, Report>,
        bless: bool,
    ) -> Result<(), NotTested> {
        let fixture = match fixture {
            Ok(fixture) => fixture,
            Err(report) => {
                self.push(
                    "(unreadable)".into(),
                    Duration::ZERO,
                    Some(report.render(true)),
                );
                return Ok(());
            }
        };
        let ran = stand.run(&fixture).await;
        let (seen, state) = match ran {
            Ok(ran) => ran,
            Err(why) => {
                let not_run = Map::from_iter([("decision".to_owned(), "not run".into())]);
                self.decisions.insert(fixture.name.clone(), not_run);
                self.push(
                    fixture.name,
                    Duration::ZERO,
                    Some(format!("it was not run: {why}\n")),
                );
                return Ok(());
            }
        };
        let actual = actual(&seen, &state, &fixture);
        let wrong = differs(&actual, fixture.expect.as_ref(), &seen);
        let wrong = match wrong {
            Some(_) if bless => {
                let text = blessed(fixture.source.text(), &actual);
                std::fs::write(&fixture.path, text).map_err(|error| NotTested::Write {
                    path: fixture.path.clone(),
                    error,
                })?;
                self.blessed += 1;
                None
            }
            wrong => wrong,
        };
        self.decisions.insert(fixture.name.clone(), actual);
        self.push(fixture.name, seen.took, wrong);
        Ok(())
    }

    fn push(&mut self, name: String, took: Duration, wrong: Option<String>) {
        self.results.push(FixtureResult { name, took, wrong });
    }

    /// The number of fixtures that were not as expected.
    pub fn failed(&self) -> usize {
        self.results
            .iter()
            .filter(|tried| tried.wrong.is_some())
            .count()
    }

    /// The number of fixtures that were as expected.
    pub(super) fn passed(&self) -> usize {
        self.results.len() - self.failed()
    }

    /// The outcomes by the fixtures' names.
    pub(super) fn into_decisions(self) -> BTreeMap<String, Map<String, Value>> {
        self.decisions
    }

    /// The fixtures that were not as expected, for people, with ANSI colours. Empty if all were.
    pub(super) fn failures(&self) -> String {
        let failed = self.results.iter().filter_map(|tried| {
            let wrong = tried.wrong.as_ref()?;
            Some(failure(&tried.name, wrong))
        });
        failed.collect()
    }

    /// All results for people, with ANSI colours.
    pub fn text(&self) -> String {
        let mut out = format!("{}: {} fixtures\n", self.title, self.results.len());
        for tried in &self.results {
            match &tried.wrong {
                None => {
                    let _ = writeln!(
                        out,
                        "  {OK}ok{OK:#}    {}  {} µs",
                        tried.name,
                        tried.took.as_micros()
                    );
                }
                Some(wrong) => out += &failure(&tried.name, wrong),
            }
        }
        let failed = self.failed();
        let _ = write!(
            out,
            "{} passed, {failed} failed",
            self.results.len() - failed
        );
        if self.blessed > 0 {
            let _ = write!(out, ", {} written anew", self.blessed);
        }
        out.push('\n');
        out
    }
}

fn failure(name: &str, wrong: &str) -> String {
    let mut out = format!("  {BAD}FAIL{BAD:#}  {name}\n");
    for line in wrong.lines() {
        let _ = writeln!(out, "        {line}");
    }
    out
}

#[cfg(test)]
mod tests;
