//! The suite as a program, and what it found.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use harness::{Process, node, peers};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(240);

/// How often each check of each scenario came to each verdict. A check may be made several times in one scenario.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Verdicts(BTreeMap<Check, usize>);

/// A scenario, a check's id, and its verdict.
type Check = (String, String, String);

impl Verdicts {
    /// Runs every server scenario of a requirement set, at its version of the protocol.
    ///
    /// # Panics
    /// Where the suite itself fails, or a scenario that the set requires does.
    pub(crate) fn of_server(url: &str, requirements: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut suite = suite("server", folder.path());
        suite.args(["--url", url, "--requirements", requirements]);
        let mut process = Process::start(&mut suite);
        let status = process.wait(PATIENCE);
        assert!(
            status.is_some_and(|status| status.success()),
            "{requirements} at {url}: {status:?}\n{}\n{}",
            process.output(),
            process.log()
        );
        Self::read(folder.path())
    }

    /// How many scenarios there were.
    pub(crate) fn scenarios(&self) -> usize {
        let mut names: Vec<_> = self.0.keys().map(|(scenario, ..)| scenario).collect();
        names.dedup();
        names.len()
    }

    /// How many checks came to this verdict.
    pub(crate) fn count(&self, verdict: &str) -> usize {
        let of_it = self
            .0
            .iter()
            .filter(|((.., came_to), _)| came_to == verdict);
        of_it.map(|(_, times)| times).sum()
    }

    /// The scenarios in which some check came to this verdict.
    pub(crate) fn scenarios_with(&self, verdict: &str) -> Vec<&str> {
        let of_it = self.0.keys().filter(|(.., came_to)| came_to == verdict);
        let mut names: Vec<_> = of_it.map(|(scenario, ..)| scenario.as_str()).collect();
        names.dedup();
        names
    }

    /// What is here and not there, one check a line.
    pub(crate) fn missing_from(&self, other: &Self) -> String {
        let here = self
            .0
            .iter()
            .filter(|(check, times)| other.0.get(check) != Some(times));
        let line = |((scenario, id, verdict), times): (&Check, &usize)| {
            format!("{scenario}: {id}: {verdict} x {times}\n")
        };
        here.map(line).collect()
    }

    fn read(folder: &Path) -> Self {
        let mut verdicts = Self::default();
        for scenario in std::fs::read_dir(folder).unwrap() {
            let scenario = scenario.unwrap();
            let name = scenario.file_name().into_string().unwrap();
            let text = std::fs::read(scenario.path().join("checks.json")).unwrap();
            let checks: Vec<Value> = serde_json::from_slice(&text).unwrap();
            for check in checks {
                let text = |key: &str| check[key].as_str().unwrap().to_owned();
                let check = (without_time(&name).to_owned(), text("id"), text("status"));
                *verdicts.0.entry(check).or_default() += 1;
            }
        }
        assert!(!verdicts.0.is_empty(), "the suite found nothing");
        verdicts
    }
}

impl fmt::Display for Verdicts {
    /// A row of the table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9} |", self.scenarios())?;
        for verdict in ["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"] {
            write!(f, " {:7} |", self.count(verdict))?;
        }
        Ok(())
    }
}

/// What stands above the rows.
pub(crate) const COLUMNS: &str = "scenarios | success | failure | warning | skipped |    info |";

/// The folder of a scenario's results ends in the time at which it began, `-2026-11-22T14-39-06-139Z`.
fn without_time(name: &str) -> &str {
    const TIME: usize = "-2026-11-22T14-39-06-139Z".len();
    assert!(name.ends_with('Z'), "{name}: no time at its end");
    &name[..name.len() - TIME]
}

fn suite(leg: &str, results: &Path) -> Command {
    let program = peers().join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let mut command = Command::new(node());
    command
        .arg(program)
        .arg(leg)
        .arg("--output-dir")
        .arg(results);
    command
}
