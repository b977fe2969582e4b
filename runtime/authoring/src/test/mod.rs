//! `sandgate plugin test`: runs every fixture of a plugin as the gateway would, in a world that the fixture describes.

mod expectation;
mod result;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use sandgate_assembly::inspect;
use sandgate_config::Report;
use sandgate_host::{PluginFile, PrepareError};
use sandgate_pipeline::Globs;
use serde_json::{Map, Value, json};

use self::expectation::{actual, blessed, differs};
use super::build::{self, BuildError};
use super::fixture::{self, Fixture, Fixtures};
use super::junit;
use super::language::Project;
use super::stages::Stages;
use super::stand::Stand;
use super::trial::Trial;
use crate::args;

pub(crate) use expectation::{inline, item};
pub(crate) use result::FixtureResult;

/// How many times its timeout a run may take whose outcome is only written down. Live it had the operator's timeout.
const UNHURRIED: u32 = 20;

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
    plugin: String,
    version: String,
    results: Vec<FixtureResult>,
    /// The outcome of each fixture, in the words of `[expect]`.
    decisions: BTreeMap<String, Map<String, Value>>,
    blessed: usize,
}

/// Builds the plugin and runs its fixtures.
///
/// # Errors
///
/// No fixture could be run, or a file cannot be written.
pub async fn test(asked: &args::TestPlugin, stages: Stages) -> Result<Tested, NotTested> {
    let (folder, names) = targets(&asked.targets);
    let fixtures = asked
        .fixtures
        .clone()
        .unwrap_or_else(|| folder.join("fixtures"));
    // Read before the build, which takes longer.
    let fixtures = chosen(&fixtures, names)?;
    let (file, unwritten) = plugin(folder, asked, stages).await?;
    let trial = Trial::new().map_err(NotTested::Host)?;
    let tested = all(&trial, &file, fixtures, asked.bless, asked.time.time_factor).await?;
    // A gateway may take the file as soon as it is there.
    if let (Some(path), 0) = (unwritten, tested.failed()) {
        build::write(&file, &path)?;
    }
    if let Some(path) = &asked.junit {
        let text = junit::report(&tested.title(), &tested.results);
        std::fs::write(path, text).map_err(|error| NotTested::Write {
            path: path.clone(),
            error,
        })?;
    }
    Ok(tested)
}

/// The project's folder, if the first target is one, and the names of fixtures.
pub(crate) fn targets(all: &[String]) -> (&Path, &[String]) {
    match all.split_first() {
        Some((first, names)) if Path::new(first).is_dir() => (Path::new(first), names),
        _ => (Path::new("."), all),
    }
}

/// The fixtures of a folder whose names match one of `names`, or all of them if there are no names.
///
/// # Errors
///
/// The folder has no fixtures, or a name matches none.
pub(super) fn chosen(folder: &Path, names: &[String]) -> Result<Fixtures, NotTested> {
    let none = |why: String| NotTested::NoFixtures {
        folder: folder.to_owned(),
        why,
    };
    let all =
        fixture::read_all(folder).map_err(|error| none(format!("cannot be read ({error})")))?;
    if all.is_empty() {
        return Err(none("holds no fixtures".into()));
    }
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        let globs =
            Globs::new(std::slice::from_ref(name)).map_err(|error| none(error.to_string()))?;
        if !all.iter().any(|(known, _)| globs.matches(known)) {
            let known: Vec<_> = all.iter().map(|(known, _)| known.as_str()).collect();
            let known = known.join(", ");
            return Err(none(format!("has no fixture {name}; it has {known}")));
        }
    }
    let globs = Globs::new(names).map_err(|error| none(error.to_string()))?;
    let chosen = all.into_iter().filter(|(known, _)| globs.matches(known));
    Ok(chosen.collect())
}

/// Runs fixtures. A run may take `time_factor` times the plugin's timeout.
pub(super) async fn all(
    trial: &Trial,
    file: &PluginFile,
    fixtures: Fixtures,
    bless: bool,
    time_factor: u32,
) -> Result<Tested, NotTested> {
    let mut stand = Stand::new(trial, file, time_factor);
    let mut tested = Tested {
        plugin: file.manifest().name.clone(),
        version: file.manifest().version.clone(),
        results: Vec::new(),
        decisions: BTreeMap::new(),
        blessed: 0,
    };
    for (name, fixture) in fixtures {
        tested.one(&mut stand, name, fixture, bless).await?;
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
    let mut stand = Stand::new(&trial, &file, UNHURRIED);
    let (seen, state) = stand.run(&fixture).await.map_err(|why| why.to_string())?;
    let actual = actual(&seen, &state, &fixture);
    Ok((blessed(fixture.source.text(), &actual), seen.word()))
}

/// The plugin to test, and where it goes if it passes.
async fn plugin(
    folder: &Path,
    asked: &args::TestPlugin,
    stages: Stages,
) -> Result<(PluginFile, Option<PathBuf>), NotTested> {
    if let Some(file) = &asked.plugin {
        return Ok((inspect::read(file).map_err(NotTested::File)?, None));
    }
    if asked.release {
        let built = build::build(folder, asked.lang, stages).await?;
        return Ok((built.file, None));
    }
    let mut project = Project::open(folder, asked.lang).map_err(BuildError::from)?;
    project.stages = stages;
    if !asked.no_build {
        let file = build::build_for_test(&project)?;
        // An interpreter with the source beside it is not what operators get.
        let path = (!file.is_development()).then(|| project.output());
        return Ok((file, path));
    }
    let path = project.output();
    if !path.is_file() {
        return Err(NotTested::NotBuilt(path));
    }
    let file = inspect::read(&path.display().to_string());
    Ok((file.map_err(NotTested::File)?, None))
}

impl Tested {
    async fn one(
        &mut self,
        stand: &mut Stand<'_>,
        name: String,
        fixture: Result<Fixture, Report>,
        bless: bool,
    ) -> Result<(), NotTested> {
        let fixture = match fixture {
            Ok(fixture) => fixture,
            Err(report) => {
                self.push(name, Duration::ZERO, Some(report.render(true)));
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
            Some(wrong) if bless && seen.decided.is_err() && !fixture.expects_a_fault() => {
                Some(format!(
                    "{wrong}a failure is not blessed; write decision = \"fault\" under [expect] if the plugin has to fail here\n"
                ))
            }
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

    fn title(&self) -> String {
        format!("{} {}", self.plugin, self.version)
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

    /// The number of fixtures that were written anew.
    pub(super) fn blessed(&self) -> usize {
        self.blessed
    }

    /// The results, each with the fixture's outcome if it ran.
    pub(super) fn results(
        &self,
    ) -> impl Iterator<Item = (&FixtureResult, Option<&Map<String, Value>>)> {
        self.results
            .iter()
            .map(|result| (result, self.decisions.get(&result.name)))
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

    /// All results for programs.
    pub fn as_json(&self) -> Value {
        let fixtures = self.results.iter().map(|tried| {
            let wrong = tried
                .wrong
                .as_deref()
                .map(|wrong| anstream::adapter::strip_str(wrong).to_string());
            json!({
                "name": tried.name,
                "passed": wrong.is_none(),
                "us": u64::try_from(tried.took.as_micros()).unwrap_or(u64::MAX),
                "outcome": self.decisions.get(&tried.name),
                "wrong": wrong,
            })
        });
        json!({
            "plugin": self.plugin,
            "version": self.version,
            "passed": self.passed(),
            "failed": self.failed(),
            "blessed": self.blessed,
            "fixtures": fixtures.collect::<Vec<_>>(),
        })
    }

    /// All results for people, with ANSI colours.
    pub fn text(&self) -> String {
        let count = self.results.len();
        let word = if count == 1 { "fixture" } else { "fixtures" };
        let mut out = format!("{}: {count} {word}\n", self.title());
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
