//! `sandgate plugin bench`: what a hook run costs, beside a policy that does nothing, on this machine.
//!
//! Isolated: a fresh instance for every run, as the gateway has it. Floor: making an instance and throwing it away, below
//! which no run can come.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sandgate_host::{Grants, Plugin, PrepareError, Stage};
use sandgate_message::{Hook, Json, Method};
use serde_json::{Value, json};

use super::fixture::Fixture;
use super::run::call;
use super::trial::{Decided, Exercise, Trial};
use crate::args;
use crate::config::Report;
use crate::inspect;

/// Bytes of text in the documents that are made where no fixture is given.
const SIZES: [usize; 4] = [256, 2 << 10, 16 << 10, 128 << 10];

/// How long one size is measured, at most; and how often, at least and at most.
const PATIENCE: Duration = Duration::from_secs(2);
const LEAST: usize = 20;
const MOST: usize = 2000;

/// Runs before the first that counts.
const WARM_UP: usize = 10;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum NotMeasured {
    /// The file is no plugin.
    #[error("{0}")]
    File(String),
    /// The fixture is none.
    #[error("{0}")]
    Fixture(Report),
    /// It cannot be prepared.
    #[error(
        "it cannot be prepared: {0}; settings that it needs come from a fixture: --fixture FILE"
    )]
    Prepare(#[from] PrepareError),
    /// A run failed: what it costs to fail is not what was asked.
    #[error("its {} failed: it {why}", hook.as_str())]
    Failed {
        /// Which hook.
        hook: Hook,
        /// How.
        why: String,
    },
}

/// What was measured.
pub struct Measured {
    title: String,
    /// Preparing it, from its file to ready: compiling, mostly.
    prepared: Duration,
    floor: Spread,
    rows: Vec<Row>,
}

struct Row {
    hook: Hook,
    /// Of the document.
    bytes: usize,
    runs: Spread,
    /// The whole way of the first run after the plugin was prepared.
    first: Duration,
    memory: u64,
}

/// Durations, sorted.
struct Spread(Vec<Duration>);

impl Spread {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self(all)
    }

    /// The duration that this share of them, in percent, does not pass.
    fn at(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0
            .get(index)
            .map_or(0.0, |took| took.as_secs_f64() * 1e6)
    }
}

/// Measures.
///
/// # Errors
/// Nothing could be measured.
pub async fn bench(asked: &args::BenchPlugin) -> Result<Measured, NotMeasured> {
    let file = inspect::read(&asked.plugin).map_err(NotMeasured::File)?;
    let fixture = asked.fixture.as_deref().map(Fixture::read).transpose();
    let fixture = fixture.map_err(NotMeasured::Fixture)?;
    let title = format!("{} {}", file.manifest().name, file.manifest().version);
    let exercises = match &fixture {
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
    let settings = fixture
        .as_ref()
        .map_or_else(|| json!({}), |fixture| fixture.settings.clone());
    let trial = Trial::new()?;
    let started = Instant::now();
    let mut plugin = trial.prepare(file, settings, grants).await?;
    let prepared = started.elapsed();
    let mut rows = Vec::new();
    for exercise in &exercises {
        rows.push(row(exercise, &mut plugin).await?);
    }
    let mut floor = Vec::new();
    for _ in 0..MOST {
        let started = Instant::now();
        if plugin.floor().await.is_ok() {
            floor.push(started.elapsed());
        }
    }
    Ok(Measured {
        title,
        prepared,
        floor: Spread::of(floor),
        rows,
    })
}

async fn row(exercise: &Exercise, plugin: &mut Plugin) -> Result<Row, NotMeasured> {
    let mut all = Vec::new();
    let mut memory = 0;
    let mut first = None;
    let begun = Instant::now();
    for index in 0..WARM_UP + MOST {
        let seen = exercise.run(plugin, Stage::default()).await;
        if let Decided::Fault(failure) = &seen.decided {
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
        if all.len() >= LEAST && begun.elapsed() > PATIENCE {
            break;
        }
    }
    Ok(Row {
        hook: exercise.hook,
        bytes: exercise.document().as_str().len(),
        runs: Spread::of(all),
        first: first.unwrap_or_default(),
        memory,
    })
}

/// A document with about this many bytes of ordinary text, an address in every other line.
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

impl Measured {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}: prepared in {} ms",
            self.title,
            self.prepared.as_millis()
        );
        let _ = writeln!(
            out,
            "an instance alone (no run can take less): {:.1} µs, p99 {:.1} µs\n",
            self.floor.at(50),
            self.floor.at(99)
        );
        let _ = writeln!(
            out,
            "hook        document      first     median        p99   memory  runs"
        );
        for row in &self.rows {
            let _ = writeln!(
                out,
                "{:<10} {:>7} B {:>7.1} µs {:>7.1} µs {:>7.1} µs {:>4} KiB {:>5}",
                row.hook.as_str(),
                row.bytes,
                row.first.as_secs_f64() * 1e6,
                row.runs.at(50),
                row.runs.at(99),
                row.memory >> 10,
                row.runs.0.len()
            );
        }
        out
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "hook": row.hook.as_str(),
                "bytes": row.bytes,
                "first-us": row.first.as_secs_f64() * 1e6,
                "median-us": row.runs.at(50),
                "p99-us": row.runs.at(99),
                "memory": row.memory,
                "runs": row.runs.0.len(),
            })
        });
        json!({
            "plugin": self.title,
            "prepared-ms": self.prepared.as_secs_f64() * 1e3,
            "floor-us": self.floor.at(50),
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_spread_tells_its_middle_and_its_end() {
        let spread = Spread::of((0..100).rev().map(Duration::from_micros).collect());
        assert!((spread.at(50) - 50.0).abs() < 1e-6, "{}", spread.at(50));
        assert!((spread.at(99) - 99.0).abs() < 1e-6, "{}", spread.at(99));
        assert!(Spread::of(Vec::new()).at(50).abs() < 1e-6);
    }

    #[tokio::test]
    async fn each_hook_is_measured_at_each_size() {
        let asked = args::BenchPlugin {
            plugin: "builtin:allow-tools".into(),
            fixture: None,
            json: false,
        };
        // It has rules that must be given.
        let error = bench(&asked).await.err().unwrap().to_string();
        assert!(error.contains("--fixture FILE"), "{error}");
    }
}
