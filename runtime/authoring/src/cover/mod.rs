//! `sandgate plugin test --coverage`: runs the project's own tests natively, and counts the lines that they run. Each
//! language counts by its own means; the table is the same for all.

mod go;
mod lcov;
mod lines;
mod v8;

use std::fmt::Write as _;

use sandgate_text::printable;
use serde_json::{Value, json};

use crate::args;
use crate::build::BuildError;
use crate::language::{NotCompiled, Project};
use crate::stages::Stages;
use crate::test::targets;

pub(crate) use go::read as go;
pub(crate) use lcov::read as lcov;
pub(crate) use lines::report;
pub use lines::{Files, Lines, Ran};
pub(crate) use v8::read as v8;

/// What the project's own tests ran.
pub struct Covered {
    plugin: String,
    language: &'static str,
    /// Whether all tests passed.
    pub passed: bool,
    files: Files,
}

/// Runs the project's own tests, and counts. What the tests print goes to stderr.
///
/// # Errors
///
/// There is no project in the folder, or its tests cannot be run or counted here.
pub fn cover(asked: &args::TestPlugin, stages: Stages) -> Result<Covered, BuildError> {
    let (folder, names) = targets(&asked.targets);
    if let Some(name) = names.first() {
        return Err(NotCompiled::Project(format!(
            "--coverage runs the project's own tests, and no fixture such as {name}: leave the name out"
        ))
        .into());
    }
    let mut project = Project::open(folder, asked.lang)?;
    project.stages = stages;
    let ran = project.language.cover(&project)?;
    Ok(Covered {
        plugin: project.name().to_owned(),
        language: project.language.name(),
        passed: ran.passed,
        files: ran.files,
    })
}

impl Covered {
    /// The table for people.
    pub fn text(&self) -> String {
        let word = match self.passed {
            true => "pass",
            false => "FAIL",
        };
        let mut out = format!(
            "{} ({}): its own tests {word}\n",
            self.plugin, self.language
        );
        let mut rows: Vec<_> = self
            .files
            .iter()
            .map(|(name, lines)| {
                (
                    printable(name),
                    lines.count(),
                    lines.covered(),
                    lines.missed_text(),
                )
            })
            .collect();
        let sum = |of: fn(&Lines) -> usize| self.files.values().map(of).sum();
        rows.push((
            "total".to_owned(),
            sum(Lines::count),
            sum(Lines::covered),
            String::new(),
        ));
        let width = rows
            .iter()
            .map(|(name, ..)| name.chars().count())
            .max()
            .unwrap_or_default();
        let _ = writeln!(out, "{:<width$}  lines  covered        missed", "file");
        for (name, count, covered, missed) in rows {
            let share = (covered * 100).checked_div(count);
            let share = share.map_or_else(|| "–".to_owned(), |share| format!("{share} %"));
            let row = format!("{name:<width$}  {count:>5}  {covered:>7}  {share:>5}  {missed}");
            let _ = writeln!(out, "{}", row.trim_end());
        }
        out
    }

    /// The table for programs.
    pub fn as_json(&self) -> Value {
        let files = self.files.iter().map(|(name, lines)| {
            json!({
                "file": name,
                "lines": lines.count(),
                "covered": lines.covered(),
                "missed": lines.missed(),
            })
        });
        json!({
            "plugin": self.plugin,
            "language": self.language,
            "passed": self.passed,
            "files": files.collect::<Vec<_>>(),
            "lines": self.files.values().map(Lines::count).sum::<usize>(),
            "covered": self.files.values().map(Lines::covered).sum::<usize>(),
        })
    }
}
