//! The report of a replay, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use sandgate_text::{grid, printable};
use serde_json::{Value, json};

use super::difference::{Difference, What};
use super::seconds;

/// The report of a replay.
#[derive(Debug)]
pub struct Replayed {
    /// The number of calls.
    pub calls: usize,
    /// The number of the recording's lines that were never finished.
    pub torn: usize,
    /// The number of calls that continue one which is not in the recording any more.
    pub orphaned: usize,
    /// When the first call came.
    pub from: Option<String>,
    /// When the last call came.
    pub to: Option<String>,
    /// The configuration that the calls were replayed through.
    pub config: PathBuf,
    /// The configuration to compare with. `None`: the live decisions.
    pub against: Option<PathBuf>,
    /// How long the calls took, without reading and preparing.
    pub took: Duration,
    /// The differences, in the order of the calls.
    pub differences: Vec<Difference>,
}

impl Replayed {
    /// The number of calls that differ.
    fn differing(&self) -> usize {
        let mut calls: Vec<&str> = self.differences.iter().map(|one| &*one.call).collect();
        calls.dedup();
        calls.len()
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let against = match &self.against {
            Some(path) => path.display().to_string(),
            None => "what was decided live".into(),
        };
        let mut text = format!(
            "{} calls from {} to {}, through {} in {}: {} differ from {}\n",
            self.calls,
            self.from.as_deref().unwrap_or("-"),
            self.to.as_deref().unwrap_or("-"),
            self.config.display(),
            seconds(self.took),
            self.differing(),
            against
        );
        if self.torn > 0 {
            let _ = writeln!(
                text,
                "{} were never written whole, and are left out",
                self.torn
            );
        }
        if self.orphaned > 0 {
            let _ = writeln!(
                text,
                "{} continue calls that are not in the recording any more, and are left out",
                self.orphaned
            );
        }
        if self.differences.is_empty() {
            return text;
        }
        text.push('\n');
        grid(self.groups(), &mut text);
        text.push('\n');
        grid(self.rows(), &mut text);
        text
    }

    /// The number of occurrences of each difference.
    fn groups(&self) -> Vec<Vec<String>> {
        let mut groups: BTreeMap<(String, &str, &str), usize> = BTreeMap::new();
        for one in &self.differences {
            *groups.entry((who(one), &one.was, &one.is)).or_default() += 1;
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let head = ["calls", "whose", "was", "is"].map(str::to_owned).to_vec();
        let row = |((who, was, is), count): ((String, &str, &str), usize)| {
            vec![count.to_string(), who, printable(was), printable(is)]
        };
        std::iter::once(head)
            .chain(groups.into_iter().map(row))
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let head = [
            "call", "time", "server", "method", "target", "whose", "was", "is",
        ];
        let row = |one: &Difference| {
            let target = one.target.as_deref().unwrap_or("-");
            [
                &one.call,
                &one.time,
                &one.server,
                &one.method,
                target,
                &who(one),
                &one.was,
                &one.is,
            ]
            .map(printable)
            .to_vec()
        };
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain(self.differences.iter().map(row))
            .collect()
    }

    /// The report for programs.
    pub fn as_json(&self) -> Value {
        json!({
            "calls": self.calls,
            "torn": self.torn,
            "orphaned": self.orphaned,
            "from": self.from,
            "to": self.to,
            "config": self.config,
            "against": self.against,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "differing": self.differing(),
            "differences": self.differences,
        })
    }
}

fn who(one: &Difference) -> String {
    let (Some(name), Some(hook)) = (&one.interceptor, &one.hook) else {
        return "the call".into();
    };
    let mut who = name.clone();
    // The method is a server's text, so it is escaped.
    for word in one.of.iter().map(|of| printable(of)).chain([hook.clone()]) {
        let _ = write!(who, ", {word}");
    }
    if one.what == What::Findings {
        who += ", findings";
    }
    who
}
