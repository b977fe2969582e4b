//! What an evaluation counted, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use sandgate_host::PluginFile;
use sandgate_text::{grid, printable};
use serde_json::{Map, Value, json};

use super::case::{Done, Outcome};
use super::corpus::{Corpus, Label, Row};
use super::coverage::{is_covered, kept};
use crate::args;

/// Characters of a text that a miss shows.
const EXCERPT: usize = 100;

/// The results of an evaluation.
pub struct Evaluated {
    title: String,
    with_misses: bool,
    all: Counts,
    by_kind: BTreeMap<String, Counts>,
    by_source: BTreeMap<String, Counts>,
    /// Found and all spans of each type.
    spans: BTreeMap<String, (usize, usize)>,
    took: Vec<Duration>,
    not_scored: usize,
    not_seen: usize,
    failures: Vec<String>,
    unreadable: Vec<String>,
    misses: Vec<Miss>,
}

/// A row on which the plugin and the label disagree.
struct Miss {
    id: String,
    kind: String,
    what: &'static str,
    rules: String,
    text: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    found: usize,
    missed: usize,
    flagged: usize,
    clean: usize,
}

impl Counts {
    fn add(&mut self, label: Label, flagged: bool) {
        *match (label, flagged) {
            (Label::Positive, true) => &mut self.found,
            (Label::Positive, false) => &mut self.missed,
            (Label::Negative, true) => &mut self.flagged,
            (Label::Negative, false) => &mut self.clean,
            (Label::NotScored, _) => return,
        } += 1;
    }

    fn recall(self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    fn precision(self) -> Option<f64> {
        share(self.found, self.found + self.flagged)
    }

    fn false_positives(self) -> Option<f64> {
        share(self.flagged, self.flagged + self.clean)
    }

    fn as_json(self) -> Value {
        json!({
            "positive": self.found + self.missed,
            "found": self.found,
            "recall": self.recall(),
            "benign": self.flagged + self.clean,
            "flagged": self.flagged,
            "false-positives": self.false_positives(),
            "precision": self.precision(),
        })
    }

    fn line(self, name: &str) -> Vec<String> {
        let count = |n: usize| match n {
            0 => "-".to_owned(),
            n => n.to_string(),
        };
        vec![
            name.to_owned(),
            count(self.found + self.missed),
            self.recall().map_or("-".into(), |_| self.found.to_string()),
            three(self.recall()),
            count(self.flagged + self.clean),
            self.false_positives()
                .map_or("-".into(), |_| self.flagged.to_string()),
            percent(self.false_positives()),
        ]
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn three(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{share:.3}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{:.2} %", share * 100.0))
}

impl Evaluated {
    pub(super) fn new(file: &PluginFile, asked: &args::EvalPlugin) -> Self {
        Self {
            title: format!("{} {}", file.manifest().name, file.manifest().version),
            with_misses: asked.misses,
            all: Counts::default(),
            by_kind: BTreeMap::new(),
            by_source: BTreeMap::new(),
            spans: BTreeMap::new(),
            took: Vec::new(),
            not_scored: 0,
            not_seen: 0,
            failures: Vec::new(),
            unreadable: Vec::new(),
            misses: Vec::new(),
        }
    }

    pub(super) fn unreadable(&mut self, corpus: &Corpus) {
        if let Some(first) = corpus.unreadable.first() {
            self.unreadable.push(format!(
                "{}: {} of its lines are no row and were left out (the first is line {first})",
                corpus.path.display(),
                corpus.unreadable.len()
            ));
        }
    }

    pub(super) fn count(&mut self, corpus: &Corpus, row: &Row, outcome: &Outcome) {
        let label = Label::of(&row.label);
        if label == Label::NotScored {
            self.not_scored += 1;
            return;
        }
        let done = match outcome {
            Outcome::NotSeen => {
                self.not_seen += 1;
                return;
            }
            Outcome::Failed(why) => {
                self.failures.push(format!("{}: it {why}", row.id));
                return;
            }
            Outcome::Done(done) => done,
        };
        self.took.push(done.took);
        let found = self.spans_of(row, done).unwrap_or(done.flagged);
        let flagged = match label {
            Label::Positive => found,
            _ => done.flagged,
        };
        let source = match row.source.is_empty() {
            true => corpus.path.display().to_string(),
            false => row.source.clone(),
        };
        self.all.add(label, flagged);
        self.by_kind
            .entry(row.kind.clone())
            .or_default()
            .add(label, flagged);
        self.by_source
            .entry(source)
            .or_default()
            .add(label, flagged);
        if self.with_misses && flagged != (label == Label::Positive) {
            self.misses.push(Miss {
                id: row.id.clone(),
                kind: row.kind.clone(),
                what: match label {
                    Label::Positive => "missed",
                    _ => "flagged",
                },
                rules: done.rules.join(" "),
                text: row.text.clone(),
            });
        }
    }

    /// Counts the row's spans. Whether all are found; `None`: the row has no spans, or the message passed unchanged and
    /// only a finding says something.
    fn spans_of(&mut self, row: &Row, done: &Done) -> Option<bool> {
        if row.spans.is_empty() {
            return None;
        }
        let text = done.text.as_deref().filter(|_| !done.refused);
        let kept = match text {
            Some(text) => kept(&row.text, text),
            None => vec![false; row.text.chars().count()],
        };
        let mut all = true;
        for span in &row.spans {
            let covered = is_covered(span, &kept);
            all &= covered;
            let counted = self.spans.entry(span.entity.clone()).or_default();
            counted.0 += usize::from(covered);
            counted.1 += 1;
        }
        Some(all)
    }

    fn median(&self, percent: usize) -> Option<f64> {
        let mut took = self.took.clone();
        took.sort();
        let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(at).map(|took| took.as_secs_f64() * 1e6)
    }

    /// The results for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (title, counts) in [("kind", &self.by_kind), ("source", &self.by_source)] {
            let head = [
                title, "positive", "found", "recall", "benign", "flagged", "",
            ];
            let mut lines = vec![head.map(str::to_owned).to_vec()];
            lines.extend(counts.iter().map(|(name, counts)| counts.line(name)));
            lines.push(self.all.line("all"));
            grid(lines, &mut out);
            out.push('\n');
        }
        if !self.spans.is_empty() {
            let head = ["span", "all", "found", "recall"];
            let mut lines = vec![head.map(str::to_owned).to_vec()];
            lines.extend(self.spans.iter().map(|(name, (found, all))| {
                let recall = three(share(*found, *all));
                vec![name.clone(), all.to_string(), found.to_string(), recall]
            }));
            grid(lines, &mut out);
            out.push('\n');
        }
        for miss in &self.misses {
            let mut excerpt: String = miss.text.chars().take(EXCERPT).collect();
            if excerpt.len() < miss.text.len() {
                excerpt.push('…');
            }
            let (what, id, kind) = (miss.what, printable(&miss.id), printable(&miss.kind));
            let _ = writeln!(
                out,
                "{what:<8} {id} {kind} [{}] {}",
                printable(&miss.rules),
                printable(&excerpt)
            );
        }
        let us = |us: Option<f64>| us.map_or("-".into(), |us| format!("{us:.1}"));
        let _ = writeln!(
            out,
            "{}: precision {}, recall {}, false positives {}; {} µs a row (median), {} µs (p99)",
            self.title,
            three(self.all.precision()),
            three(self.all.recall()),
            percent(self.all.false_positives()),
            us(self.median(50)),
            us(self.median(99))
        );
        for (count, what) in [
            (self.not_scored, "rows have a label that is not scored"),
            (
                self.not_seen,
                "rows are nothing that the plugin's hooks look at",
            ),
            (self.failures.len(), "rows made the plugin fail"),
        ] {
            if count > 0 {
                let _ = writeln!(out, "{count} {what}");
            }
        }
        for failure in self.failures.iter().take(5).chain(&self.unreadable) {
            let _ = writeln!(out, "  {}", printable(failure));
        }
        out
    }

    /// Whether the plugin failed on a row.
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The results for programs. What was not measured is null.
    pub fn as_json(&self) -> Value {
        let map = |counts: &BTreeMap<String, Counts>| -> Value {
            let members = counts
                .iter()
                .map(|(name, one)| (name.clone(), one.as_json()));
            members.collect::<Map<_, _>>().into()
        };
        let spans: Map<String, Value> = self
            .spans
            .iter()
            .map(|(name, (found, all))| {
                let recall = share(*found, *all);
                let one = json!({ "all": all, "found": found, "recall": recall });
                (name.clone(), one)
            })
            .collect();
        let misses = self.misses.iter().map(|miss| {
            json!({ "id": miss.id, "kind": miss.kind, "what": miss.what, "rules": miss.rules, "text": miss.text })
        });
        json!({
            "plugin": self.title,
            "all": self.all.as_json(),
            "kinds": map(&self.by_kind),
            "sources": map(&self.by_source),
            "spans": spans,
            "median-us": self.median(50),
            "p99-us": self.median(99),
            "not-scored": self.not_scored,
            "not-seen": self.not_seen,
            "failures": self.failures,
            "unreadable": self.unreadable,
            "misses": self.with_misses.then(|| misses.collect::<Vec<_>>()),
        })
    }
}
