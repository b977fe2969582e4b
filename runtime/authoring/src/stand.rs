//! A plugin on which fixtures are run, each in the world that it describes.

use std::collections::BTreeMap;
use std::time::Duration;

use sandgate_assembly::DEFAULT_TIMEOUT;
use sandgate_host::{Grants, Plugin, PluginFile, PrepareError, Simulation};
use sandgate_message::Hook;
use sandgate_pipeline::Globs;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::render::not_prepared;
use crate::trial::{Seen, Trial};

/// A state: its values by their keys.
pub(crate) type Entries = BTreeMap<String, Vec<u8>>;

/// A plugin, prepared once for each combination of settings and variables that fixtures give it.
pub(crate) struct Stand<'a> {
    trial: &'a Trial,
    file: &'a PluginFile,
    /// How often the plugin's timeout a run may take, for slow machines.
    time_factor: u32,
    prepared: Vec<Prepared>,
}

/// A plugin, and the settings and variables that it was prepared with.
struct Prepared {
    settings: Value,
    env: Vec<(String, String)>,
    plugin: Plugin,
}

/// Why a fixture was not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// A gateway would never run it, or its state does not fit.
    #[error("{0}")]
    Fixture(String),
    /// The plugin cannot be prepared with its settings.
    #[error("{}", not_prepared(.0))]
    Prepare(#[from] PrepareError),
}

/// The timeout of the plugin's runs where no operator says otherwise.
pub(crate) fn timeout(file: &PluginFile) -> Duration {
    file.manifest().timeout().unwrap_or(DEFAULT_TIMEOUT)
}

/// Checks that a gateway calls the plugin's hook for an event.
///
/// # Errors
///
/// A gateway would not. The text says why.
pub(crate) fn sees(file: &PluginFile, hook: Hook, event: &str) -> Result<(), String> {
    let hooks = file.manifest().hooks();
    let Some((_, _, events)) = hooks.iter().find(|(own, ..)| *own == hook) else {
        return Err(format!("the plugin has no {}", hook.as_str()));
    };
    match Globs::new(events) {
        Ok(globs) if !globs.matches(event) => Err(format!(
            "its {} sees {}: a gateway would not call it for {event}",
            hook.as_str(),
            events.join(", ")
        )),
        _ => Ok(()),
    }
}

impl<'a> Stand<'a> {
    pub(crate) fn new(trial: &'a Trial, file: &'a PluginFile, time_factor: u32) -> Self {
        Self {
            trial,
            file,
            time_factor,
            prepared: Vec::new(),
        }
    }

    /// Runs a fixture. Returns what came of it, and the state afterwards.
    ///
    /// # Errors
    ///
    /// Nothing was run.
    pub(crate) async fn run(&mut self, fixture: &Fixture) -> Result<(Seen, Entries), NotStarted> {
        let exercise = &fixture.exercise;
        sees(self.file, exercise.hook, &exercise.call.method).map_err(NotStarted::Fixture)?;
        let name = self.file.manifest().name.clone();
        let index = self.prepare(fixture).await?;
        let state = self.trial.state();
        state
            .fill(&name, &fixture.state)
            .map_err(NotStarted::Fixture)?;
        let limit = timeout(self.file);
        let mut simulation =
            Simulation::closed(fixture.now, fixture.random.clone(), fixture.http.clone());
        simulation.remaining = Some(limit);
        let plugin = &mut self.prepared[index].plugin;
        let seen = exercise
            .run(plugin, simulation, limit * self.time_factor)
            .await;
        Ok((seen, self.trial.state().entries(&name)))
    }

    async fn prepare(&mut self, fixture: &Fixture) -> Result<usize, PrepareError> {
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
                .flat_map(|http| hosts(&http.hosts, fixture))
                .collect(),
            dirs: Vec::new(),
            env: fixture.env.clone(),
        };
        let plugin = self
            .trial
            .prepare(self.file.clone(), fixture.settings.clone(), grants)
            .await;
        self.prepared.push(Prepared {
            settings: fixture.settings.clone(),
            env: fixture.env.clone(),
            plugin: plugin?,
        });
        Ok(self.prepared.len() - 1)
    }
}

/// The hosts that the plugin asks for by name. If it asks for any host that the operator lists, those of the fixture.
fn hosts(asked: &[String], fixture: &Fixture) -> Vec<String> {
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
