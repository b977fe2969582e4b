//! `sandgate plugin eval`: runs a plugin over labelled data and counts what it finds, what it misses and what it flags
//! wrongly.

mod case;
mod corpus;
mod coverage;
mod placing;
mod scores;
mod tool_calls;

use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sandgate_assembly::inspect;
use sandgate_host::{Grants, PluginFile, PrepareError};
use serde_json::{Value, json};

use super::trial::Trial;
use crate::args;

use case::{Case, Outcome};
use corpus::Corpus;
use placing::Names;
pub use scores::Evaluated;

/// How often the progress is shown at most.
const PROGRESS: Duration = Duration::from_millis(200);

/// Why nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum NotEvaluated {
    /// The file is not a plugin.
    #[error("{0}")]
    File(String),
    /// The settings are no JSON.
    #[error("--settings: no JSON: {0}")]
    Settings(String),
    /// The plugin cannot be prepared.
    #[error("{0}")]
    Prepare(String),
    /// The corpus cannot be read.
    #[error("{}: {why}", path.display())]
    Corpus {
        /// The corpus's file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Evaluates a plugin.
///
/// # Errors
///
/// The plugin cannot be prepared, or a corpus cannot be read.
pub async fn eval(asked: &args::EvalPlugin) -> Result<Evaluated, NotEvaluated> {
    let file = inspect::read(&asked.plugin).map_err(NotEvaluated::File)?;
    let settings = match &asked.settings {
        Some(text) => {
            serde_json::from_str(text).map_err(|error| NotEvaluated::Settings(error.to_string()))?
        }
        None => json!({}),
    };
    let mut evaluated = Evaluated::new(&file, asked);
    for path in &asked.corpus {
        let corpus = Corpus::read(path)?;
        one(&file, &settings, &corpus, asked, &mut evaluated).await?;
    }
    Ok(evaluated)
}

/// Evaluates the rows of one corpus, with an empty state.
async fn one(
    file: &PluginFile,
    settings: &Value,
    corpus: &Corpus,
    asked: &args::EvalPlugin,
    evaluated: &mut Evaluated,
) -> Result<(), NotEvaluated> {
    let grants = Grants {
        state: file.manifest().asks.state.is_some(),
        ..Grants::default()
    };
    let prepare = |error: PrepareError| NotEvaluated::Prepare(super::render::not_prepared(&error));
    let trial = Trial::new().map_err(prepare)?;
    let prepared = trial.prepare(file.clone(), settings.clone(), grants).await;
    let mut plugin = prepared.map_err(prepare)?;
    let names = Names::of(corpus);
    let mut progress = Progress::begun(corpus.rows.len());
    evaluated.unreadable(corpus);
    for (index, row) in corpus.rows.iter().enumerate() {
        progress.show(index);
        let outcome = match Case::of(row, asked.place, &names, file) {
            Some(case) => case.run(&mut plugin).await,
            None => Outcome::NotSeen,
        };
        evaluated.count(corpus, row, &outcome);
    }
    progress.end();
    Ok(())
}

/// The progress line of a long run, at a terminal.
struct Progress {
    rows: usize,
    shown: Option<Instant>,
}

impl Progress {
    fn begun(rows: usize) -> Self {
        let shown = std::io::stderr().is_terminal().then(Instant::now);
        Self { rows, shown }
    }

    fn show(&mut self, done: usize) {
        if self.shown.is_some_and(|shown| shown.elapsed() > PROGRESS) {
            self.shown = Some(Instant::now());
            let filled = 30 * done / self.rows.max(1);
            let bar = format!("{}{}", "#".repeat(filled), ".".repeat(30 - filled));
            // Progress that cannot be written is left out.
            let _ = write!(std::io::stderr(), "\r[{bar}] {done} of {} rows", self.rows);
        }
    }

    fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

#[cfg(test)]
mod tests;
