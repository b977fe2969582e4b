//! The running gateway that gets each good version: located by its configuration, asked over its admin socket.

use std::path::{Path, PathBuf};

use sandgate_config::{Environment, Loaded, PluginSource};
use sandgate_daemon::admin::{self, Ask, AskError};
use sandgate_daemon::locate::Located;
use sandgate_daemon::reload_report::ReloadReport;
use sandgate_daemon::status::Status;
use sandgate_host::PluginFile;
use serde_json::value::RawValue;

use crate::config_lines::config_lines;

/// A gateway, running or not.
#[derive(Clone, Debug)]
pub(super) struct Live {
    config: PathBuf,
}

/// The outcome of a version that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Swapped {
    /// The version is live.
    Live {
        /// The gateway's edition with the version.
        edition: u64,
        /// The names of the interceptors that use the version.
        interceptors: Vec<String>,
    },
    /// No gateway answers. The version will be read at its start. Says why.
    NotRunning(String),
    /// Nothing in the configuration uses the file. Holds the lines to add.
    Unused(String),
    /// The gateway goes on with what it has. Says why.
    Refused(String),
}

impl Live {
    pub(super) fn new(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    /// The configuration's file.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Makes the gateway reload, and waits until it has. This blocks, so it must not run on the async loop.
    pub(super) fn swap(&self, file: &PluginFile, output: &Path) -> Swapped {
        let loaded = match Loaded::read(&self.config) {
            Ok(loaded) => loaded,
            Err(report) => return Swapped::Refused(report.render(false)),
        };
        let interceptors = users(&loaded, output);
        if interceptors.is_empty() {
            return Swapped::Unused(config_lines(
                file,
                &real(output).display().to_string(),
                None,
            ));
        }
        match self.ask::<ReloadReport>(Ask::Reload) {
            Ok(ReloadReport {
                error: Some(why), ..
            }) => Swapped::Refused(why),
            Ok(outcome) => Swapped::Live {
                edition: outcome.version,
                interceptors,
            },
            Err(Unanswered::NotRunning(why)) => Swapped::NotRunning(why),
            Err(Unanswered::Other(why)) => Swapped::Refused(why),
        }
    }

    /// The gateway's edition. `None` if none answers.
    pub(super) fn edition(&self) -> Option<u64> {
        self.ask::<Status>(Ask::Status)
            .ok()
            .map(|status| status.edition.number)
    }

    /// The id of the process that answers. `None` if none does.
    pub(super) fn process(&self) -> Option<u32> {
        self.ask::<Status>(Ask::Status)
            .ok()
            .map(|status| status.process)
    }

    /// The records of the last calls that ended, the last first. `None` if no gateway answers. This blocks.
    pub(super) fn calls(&self, most: usize) -> Option<Vec<Box<RawValue>>> {
        self.ask(Ask::Calls { most }).ok()
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, ask: Ask) -> Result<T, Unanswered> {
        let other = |error: &dyn std::fmt::Display| Unanswered::Other(error.to_string());
        let located =
            Located::of(&self.config, None, &Environment::of_process()).map_err(|e| other(&e))?;
        let socket = located.socket().map_err(|e| other(&e))?;
        admin::ask(socket, ask).map_err(|error| match error {
            AskError::NotRunning { .. } => Unanswered::NotRunning(error.to_string()),
            error => other(&error),
        })
    }
}

enum Unanswered {
    NotRunning(String),
    Other(String),
}

/// The names of the interceptors whose plugin is this file.
fn users(loaded: &Loaded, output: &Path) -> Vec<String> {
    let wanted = real(output);
    loaded
        .config
        .interceptors
        .iter()
        .filter(|interceptor| match &interceptor.plugin {
            PluginSource::File(path) => real(&loaded.files.path(path)) == wanted,
            PluginSource::Builtin(_) | PluginSource::Registry(_) => false,
        })
        .map(|interceptor| interceptor.name.clone())
        .collect()
}

/// The same path for every spelling of the same place, whether the file exists or not.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    let parent = path
        .parent()
        .and_then(|parent| std::fs::canonicalize(parent).ok());
    match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plugin() -> PluginFile {
        sandgate_assembly::inspect::read("builtin:tool-pins").unwrap()
    }

    fn config(folder: &Path, plugins: &[&str]) -> PathBuf {
        let mut text =
            "[servers.a]\nurl = \"http://127.0.0.1:1/\"\n[gateway]\nadmin = \"a.sock\"\n"
                .to_owned();
        for (index, plugin) in plugins.iter().enumerate() {
            text += &format!("[[interceptors]]\nname = \"i{index}\"\nplugin = {plugin:?}\n");
        }
        let file = folder.join("sandgate.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn the_interceptors_are_those_whose_file_it_is_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("p/target");
        std::fs::create_dir_all(&target).unwrap();
        let output = target.join("p.wasm");
        let whole = output.display().to_string();
        let ways = [
            "p/target/p.wasm",
            "p/../p/target/p.wasm",
            &whole,
            "q.wasm",
            "builtin:allow-tools",
        ];
        let file = config(folder.path(), &ways);
        let loaded = Loaded::read(&file).unwrap();
        // The result is the same before and after the file exists.
        assert_eq!(users(&loaded, &output), ["i0", "i1", "i2"]);
        std::fs::write(&output, "").unwrap();
        assert_eq!(users(&loaded, &output), ["i0", "i1", "i2"]);
    }

    #[test]
    fn without_such_an_interceptor_the_lines_to_add_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("p.wasm");
        let file = config(folder.path(), &[]);
        let Swapped::Unused(lines) = Live::new(&file).swap(&plugin(), &output) else {
            panic!("it is used");
        };
        let text = std::fs::read_to_string(&file).unwrap() + &lines;
        let loaded = Loaded::parse(&file, text).unwrap();
        assert_eq!(users(&loaded, &output), ["tool-pins"]);
        assert!(loaded.config.interceptors[0].grants.state);
    }

    #[test]
    fn a_gateway_that_does_not_run_and_a_configuration_that_is_wrong_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("p.wasm");
        let live = Live::new(&config(folder.path(), &["p.wasm"]));
        let swapped = live.swap(&plugin(), &output);
        assert!(
            matches!(&swapped, Swapped::NotRunning(why) if why.contains("a.sock")),
            "{swapped:?}"
        );
        assert_eq!(live.process(), None);
        std::fs::write(live.config(), "[oops\n").unwrap();
        let swapped = live.swap(&plugin(), &output);
        assert!(
            matches!(&swapped, Swapped::Refused(why) if why.contains("sandgate.toml:1")),
            "{swapped:?}"
        );
    }
}
