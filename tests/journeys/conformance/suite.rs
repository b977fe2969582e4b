//! The suite as a program, and what it found.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::{Process, cache, node, peers, sandgate};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(240);

/// How often each check of each scenario came to each verdict. A check may be made several times in one scenario.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdicts(BTreeMap<Check, usize>);

/// How a client is started: a line of shell, and what it finds in its environment.
pub(crate) struct ClientCommand {
    line: String,
    env: Vec<(&'static str, PathBuf)>,
}

impl ClientCommand {
    /// `tests/peers/clients/conformance.py`, talking to the suite's server itself.
    pub(crate) fn directly() -> Self {
        // The suite cuts its line at spaces, which a path may have: the shell puts the paths in their places.
        Self {
            line: "\"$CLIENT_PYTHON\" \"$CLIENT_SCRIPT\"".into(),
            env: vec![
                ("CLIENT_PYTHON", peers().join("modern/bin/python")),
                ("CLIENT_SCRIPT", script("conformance.py")),
            ],
        }
    }

    /// `tests/peers/clients/conformance_auth.py`, talking to the suite's server itself.
    pub(crate) fn with_tokens() -> Self {
        let mut command = Self::directly();
        command.set("CLIENT_SCRIPT", script("conformance_auth.py"));
        command
    }

    /// The same, with a gateway between that lets tokens through: `interceptors` is that part of its configuration, in a
    /// file.
    pub(crate) fn with_tokens_behind_a_gateway(interceptors: &Path) -> Self {
        let mut command = Self::behind_a_gateway(interceptors);
        command.set("CLIENT_SCRIPT", script("conformance_auth.py"));
        command.set("SANDGATE_SERVER", "forward-authorization = true".into());
        command
    }

    fn set(&mut self, name: &'static str, value: PathBuf) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value));
    }

    /// The same, with a gateway between: `interceptors` is that part of its configuration, in a file.
    pub(crate) fn behind_a_gateway(interceptors: &Path) -> Self {
        let Self { mut env, .. } = Self::directly();
        env.extend([
            ("GATEWAY_SCRIPT", script("behind_a_gateway.py")),
            ("SANDGATE_BIN", sandgate()),
            ("SANDGATE_INTERCEPTORS", interceptors.to_owned()),
            ("XDG_CACHE_HOME", cache()),
        ]);
        Self {
            line: "\"$CLIENT_PYTHON\" \"$GATEWAY_SCRIPT\" \"$CLIENT_SCRIPT\"".into(),
            env,
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers/clients")
        .join(name)
}

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

    /// Runs client scenarios one after another: the suite starts a server for each and runs the command, a line of shell,
    /// with that server's URL as its last word.
    ///
    /// # Panics
    /// Where the suite itself fails, or the client does.
    pub(crate) fn of_client(
        scenarios: &[String],
        requirements: &str,
        client: &ClientCommand,
    ) -> Self {
        let all: Vec<&str> = scenarios.iter().map(String::as_str).collect();
        Self::of_client_whatever(&all, requirements, client, |success| assert!(success))
    }

    /// The same, where a scenario may fail: `judge` is told of each whether it succeeded.
    ///
    /// # Panics
    /// Where the suite itself does not end.
    pub(crate) fn of_client_whatever(
        scenarios: &[&str],
        requirements: &str,
        client: &ClientCommand,
        judge: impl Fn(bool),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for scenario in scenarios {
            let mut suite = suite("client", folder.path());
            suite.args([
                "--scenario",
                scenario,
                "--spec-version",
                requirements,
                "--force",
            ]);
            suite
                .args(["--command", &client.line])
                .envs(client.env.clone());
            let mut process = Process::start(&mut suite);
            let status = process.wait(PATIENCE);
            let Some(status) = status else {
                panic!("{scenario} of {requirements} goes on:\n{}", process.log());
            };
            if !status.success() {
                println!(
                    "{scenario} of {requirements} with {}: {status}\n{}\n{}",
                    client.line,
                    process.output(),
                    process.log()
                );
            }
            judge(status.success());
        }
        Self::read(folder.path())
    }

    /// All but these checks, each by its scenario and id.
    pub(crate) fn without(mut self, checks: &[(&str, &str)]) -> Self {
        self.0
            .retain(|(scenario, id, _), _| !checks.contains(&(scenario.as_str(), id.as_str())));
        self
    }

    /// All but this scenario's checks.
    pub(crate) fn without_scenario(mut self, name: &str) -> Self {
        self.0.retain(|(scenario, ..), _| scenario != name);
        self
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
        for scenario in results(folder) {
            let name = scenario.file_name().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read(scenario.join("checks.json")).unwrap();
            let checks: Vec<Value> = serde_json::from_slice(&text).unwrap();
            for check in checks.iter().filter(|check| !is_traffic(check)) {
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

/// The folders of scenarios' results: `NAME-TIME`, and of a group `GROUP/NAME-TIME`.
fn results(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    all.flat_map(|path| match path.join("checks.json").exists() {
        true => vec![path],
        false => results(&path),
    })
    .collect()
}

/// The folder of a scenario's results ends in the time at which it began, `-2026-11-22T14-39-06-139Z`.
fn without_time(name: &str) -> &str {
    const TIME: usize = "-2026-11-22T14-39-06-139Z".len();
    assert!(name.ends_with('Z'), "{name}: no time at its end");
    &name[..name.len() - TIME]
}

/// Some scenarios note what went over the wire among their checks: how many pieces that came in is a matter of time.
fn is_traffic(check: &Value) -> bool {
    let id = check["id"].as_str().unwrap_or_default();
    check["status"] == "INFO" && (id.starts_with("incoming-") || id.starts_with("outgoing-"))
}

/// The client scenarios that the suite runs for a requirement set, those that are not required included.
///
/// # Panics
/// Where the suite does not list any.
pub(crate) fn client_scenarios(requirements: &str) -> Vec<String> {
    let mut list = Command::new(node());
    list.arg(program())
        .args(["list", "--requirements", requirements]);
    let output = list.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, required) = text.split_once("Client scenarios").unwrap();
    let (required, others) = required.split_once("Run and reported").unwrap();
    let item = |line: &str| line.trim().strip_prefix("- ").map(str::to_owned);
    let others = others.lines().filter_map(item);
    let others = others.filter_map(|line| line.strip_suffix(" [client]").map(str::to_owned));
    required.lines().filter_map(item).chain(others).collect()
}

fn suite(leg: &str, results: &Path) -> Command {
    let mut command = Command::new(node());
    command
        .arg(program())
        .arg(leg)
        .arg("--output-dir")
        .arg(results);
    command
}

fn program() -> PathBuf {
    peers().join("node_modules/@modelcontextprotocol/conformance/dist/index.js")
}
