//! `sandgate plugin bench`: measures what a hook run costs on this machine, beside a policy that does nothing.
//!
//! Isolated: a fresh instance for every run, as in the gateway. Warm: one instance for all runs, which separates the
//! hook's own computation from the cost of an instance. Floor: creating an instance and dropping it, below which no run
//! can come.

mod counter;
mod measured;
mod noop;

use std::time::{Duration, Instant};

use counter::Counter;
use measured::{Row, Spread};
use sandgate_assembly::inspect;
use sandgate_config::Report;
use sandgate_host::{Grants, Plugin, PrepareError, Simulation};
use sandgate_message::{Hook, Json, Method};
use serde_json::json;

use super::context::call;
use super::fixture::Fixture;
use super::run::{NotRun, given_settings};
use super::trial::{Exercise, Trial, UNLIMITED};
use crate::args;

pub use measured::Measured;

/// The sizes of the generated documents' text, in bytes, if no fixture is given.
const SIZES: [usize; 4] = [256, 2 << 10, 16 << 10, 128 << 10];

/// How long one size is measured at most.
const PATIENCE: Duration = Duration::from_secs(2);
const LEAST: usize = 20;
const MOST: usize = 2000;

/// Runs before the first one that counts.
const WARM_UP: usize = 10;

/// The most runs whose instructions are counted.
const COUNTED: usize = 50;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum NotMeasured {
    /// The file is not a plugin.
    #[error("{0}")]
    File(String),
    /// The fixture is not valid.
    #[error("{0}")]
    Fixture(Report),
    /// The plugin cannot be prepared.
    #[error("it cannot be prepared: {0}; settings that it needs come from --settings or --fixture")]
    Prepare(#[from] PrepareError),
    /// The settings cannot be read.
    #[error(transparent)]
    Settings(#[from] NotRun),
    /// The plugin to compare with cannot be made.
    #[error("there is no plugin that does nothing to compare it with: {0}")]
    Noop(String),
    /// A run failed. The cost of a failure is not what was asked.
    #[error("its {} failed: it {why}", hook.as_str())]
    Failed {
        /// The hook of the run.
        hook: Hook,
        /// How the run failed.
        why: String,
    },
}

/// Measures a plugin.
///
/// # Errors
///
/// Nothing could be measured.
pub async fn bench(asked: &args::BenchPlugin) -> Result<Measured, NotMeasured> {
    let file = inspect::read(&asked.plugin).map_err(NotMeasured::File)?;
    let fixture = asked.fixture.as_deref().map(Fixture::read).transpose();
    let fixture = fixture.map_err(NotMeasured::Fixture)?;
    let title = format!("{} {}", file.manifest().name, file.manifest().version);
    let mut exercises = match &fixture {
        Some(fixture) => vec![fixture.exercise.clone()],
        None => {
            let hooks = file.manifest().hooks();
            let of = |(hook, _, events): &(Hook, _, Vec<String>)| {
                let event = events.iter().find(|event| Method::new(event).is_known());
                let event = event.map_or("tools/call", String::as_str).to_owned();
                SIZES.map(|size| made(*hook, &event, size))
            };
            hooks.iter().flat_map(of).collect()
        }
    };
    let grants = Grants {
        state: file.manifest().asks.state.is_some(),
        env: fixture
            .as_ref()
            .map_or_else(Vec::new, |fixture| fixture.env.clone()),
        ..Grants::default()
    };
    let settings = match (&fixture, &asked.settings) {
        (Some(fixture), _) => fixture.settings.clone(),
        (None, Some(text)) => given_settings(text)?,
        (None, None) => json!({}),
    };
    let trial = Trial::new()?;
    let started = Instant::now();
    let mut plugin = trial.prepare(file, settings, grants).await?;
    let prepared = started.elapsed();
    let mut floor = Vec::new();
    for _ in 0..MOST {
        let started = Instant::now();
        if plugin.floor().await.is_ok() {
            floor.push(started.elapsed());
        }
    }
    let noop = noop::noop().map_err(NotMeasured::Noop)?;
    let mut noop = trial.prepare(noop, json!({}), Grants::default()).await?;
    let mut counter = Counter::open();
    // Small documents come first: a place in the pool keeps the pages that earlier runs touched, and resetting them is
    // part of every later run.
    exercises.sort_by_key(|exercise| exercise.document().as_str().len());
    let mut rows = Vec::new();
    for exercise in &exercises {
        let (isolated, first, memory) = isolated(exercise, &mut plugin).await?;
        rows.push(Row {
            hook: exercise.hook,
            bytes: exercise.document().as_str().len(),
            first,
            isolated,
            noop: self::isolated(exercise, &mut noop).await?.0,
            warm: Spread::of(Vec::new()),
            memory,
            instructions: match &mut counter {
                Ok(counter) => instructions(exercise, &mut plugin, counter).await,
                Err(_) => None,
            },
        });
    }
    // An instance that stays touches page after page, which every isolated run after it would put back.
    for (row, exercise) in rows.iter_mut().zip(&exercises) {
        row.warm = warm(exercise, &plugin).await;
    }
    rows.sort_by_key(|row| row.hook == Hook::PostCall);
    Ok(Measured {
        title,
        prepared,
        floor: Spread::of(floor),
        rows,
        uncounted: counter.err(),
    })
}

/// Whether there are enough runs.
fn enough(runs: usize, begun: Instant) -> bool {
    runs >= MOST || runs >= LEAST && begun.elapsed() > PATIENCE
}

/// Measures runs in instances of their own. Returns the run times, the time of the first run, and the most memory.
async fn isolated(
    exercise: &Exercise,
    plugin: &mut Plugin,
) -> Result<(Spread, Duration, u64), NotMeasured> {
    let mut all = Vec::new();
    let mut memory = 0;
    let mut first = None;
    let begun = Instant::now();
    for index in 0.. {
        let seen = exercise.run(plugin, Simulation::default(), UNLIMITED).await;
        if let Err(failure) = &seen.decided {
            return Err(NotMeasured::Failed {
                hook: exercise.hook,
                why: failure.to_string(),
            });
        }
        first.get_or_insert(seen.took);
        memory = seen.memory.max(memory);
        if index >= WARM_UP {
            all.push(seen.took);
        }
        if enough(all.len(), begun) {
            break;
        }
    }
    Ok((Spread::of(all), first.unwrap_or_default(), memory))
}

/// Measures runs in one instance, and in further ones when an instance is used up. The first run of each does not
/// count.
async fn warm(exercise: &Exercise, plugin: &Plugin) -> Spread {
    let mut all = Vec::new();
    let begun = Instant::now();
    while let Ok(mut instance) = plugin.bench_instance().await {
        let before = all.len();
        let mut index = 0;
        while let Some(took) = instance.run(exercise.hook, exercise.begun(UNLIMITED)).await {
            index += 1;
            if index > 1 {
                all.push(took);
            }
            if enough(all.len(), begun) {
                return Spread::of(all);
            }
        }
        // A further instance would not do better.
        if all.len() == before {
            break;
        }
    }
    Spread::of(all)
}

/// The median of the instructions of several runs.
async fn instructions(
    exercise: &Exercise,
    plugin: &mut Plugin,
    counter: &mut Counter,
) -> Option<u64> {
    let mut all = Vec::new();
    let begun = Instant::now();
    while all.len() < COUNTED && begun.elapsed() < PATIENCE {
        counter.start().ok()?;
        exercise.run(plugin, Simulation::default(), UNLIMITED).await;
        all.push(counter.stop().ok()?);
    }
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

/// A document with about this many bytes of ordinary text, with an address in every other line.
fn made(hook: Hook, event: &str, size: usize) -> Exercise {
    let lines = [
        "The customer asked twice about the invoice of last month. ",
        "Write to ada@example.com or call back tomorrow at noon. ",
    ];
    let mut text: String = lines.iter().cycle().take(size / 50 + 1).copied().collect();
    text.truncate(size);
    let document = match hook {
        Hook::PreCall => json!({ "name": "tool", "arguments": { "text": text } }),
        Hook::PostCall => json!({ "content": [{ "type": "text", "text": text }] }),
    };
    let document = Json::of(&document).unwrap_or_else(|_| Json::empty_object());
    let (params, reply) = match hook {
        Hook::PreCall => (Some(document), None),
        Hook::PostCall => (None, Some(document)),
    };
    Exercise {
        hook,
        call: call(event),
        params,
        reply,
        failed: false,
        carried: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn each_hook_is_measured_at_each_size() {
        let asked = args::BenchPlugin {
            plugin: "builtin:allow-tools".into(),
            fixture: None,
            settings: None,
            json: false,
        };
        // The plugin has rules that must be given.
        let error = bench(&asked).await.err().unwrap().to_string();
        assert!(error.contains("--settings or --fixture"), "{error}");
    }

    #[tokio::test]
    async fn a_run_is_measured_in_its_own_instance_in_one_that_stays_and_beside_doing_nothing_timed()
     {
        let folder = tempfile::tempdir().unwrap();
        let fixture = folder.path().join("small.toml");
        let reply = r#"{"content":[{"type":"text","text":"Write to ada@example.com."}]}"#;
        let text = format!("hook = \"post-call\"\nreply = '{reply}'\n");
        std::fs::write(&fixture, text).unwrap();
        let asked = args::BenchPlugin {
            plugin: "builtin:pii-scrubber".into(),
            fixture: Some(fixture),
            settings: None,
            json: true,
        };
        let json = bench(&asked).await.unwrap().as_json();
        let row = &json["rows"][0];
        let us = |key: &str| row[key].as_f64().unwrap();
        // The plugin computes something, and an instance of its own costs something.
        assert!(us("median-us") > us("noop-us"), "{row}");
        assert!(us("warm-us") < us("median-us"), "{row}");
        assert!(
            us("median-us") > json["floor-us"].as_f64().unwrap(),
            "{json}"
        );
        assert_eq!(
            row["instructions"].is_null(),
            !json["instructions-not-counted"].is_null(),
            "{json}"
        );
    }
}
