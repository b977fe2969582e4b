//! The status of candidates, as operators see it: in `status`, before a promotion, and in the story of a call.

use std::collections::BTreeMap;
use std::fmt::Write;

use sandgate_message::CallId;
use sandgate_pipeline::{BoundInterceptor, Candidate, Difference, Step};
use sandgate_text::{printable, time};
use serde::{Deserialize, Serialize};

use crate::digest::short;

/// The number of last differences that `status` shows.
const SHOWN: usize = 5;

/// A candidate, and the results of its runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateStatus {
    /// The candidate's plugin's own name.
    pub plugin: String,
    /// The candidate's plugin's version.
    pub plugin_version: String,
    /// The digest of the plugin's file, `sha256:…`.
    pub digest: String,
    /// The share of calls that the candidate is tried on, in percent.
    pub share: f64,
    /// When the trial began.
    pub since: String,
    /// The number of hook runs that were compared or failed.
    pub runs: u64,
    /// Runs in which the candidate agreed with the live interceptor.
    pub same: u64,
    /// Runs in which the candidate differed.
    pub differs: u64,
    /// Runs in which the candidate failed.
    pub failed: u64,
    /// Runs that were not offered because too much waited already.
    pub dropped: u64,
    /// The kinds of differences, the most frequent first.
    pub differences: Vec<Differing>,
    /// The number of failures by kind.
    pub failures: BTreeMap<String, u64>,
    /// The median of the candidate's last run times, in microseconds.
    pub median_us: Option<u64>,
    /// The median of the live interceptor's run times on the same calls, in microseconds.
    pub live_median_us: Option<u64>,
    /// The last calls on which the candidate differed or failed, newest first.
    pub recent: Vec<CandidateResult>,
}

/// A kind of difference, and how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The hook: `pre-call` or `post-call`.
    pub hook: String,
    /// What the live interceptor decided.
    pub live: String,
    /// What the candidate decided.
    pub candidate: String,
    /// In what they differ: `decision`, `code`, `document` or `findings`.
    pub differs_in: String,
    /// How often it occurred.
    pub count: u64,
}

/// What a candidate made of a call, if that differs from the live interceptor or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateResult {
    /// Always `candidate`, the kind of this record among the records of a call.
    pub record: String,
    /// When the difference was found.
    pub time: String,
    /// The call's id.
    pub id: String,
    /// The name of the live interceptor.
    pub interceptor: String,
    /// The digest of the candidate's plugin, `sha256:…`.
    pub digest: String,
    /// The hook: `pre-call` or `post-call`.
    pub hook: String,
    /// What the live interceptor decided.
    pub live: String,
    /// What the candidate decided.
    pub candidate: String,
    /// In what they differ: `decision`, `code`, `document` or `findings`. `None` if the candidate failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_in: Option<String>,
    /// The code of the candidate's refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The kind of the candidate's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl CandidateStatus {
    /// The candidate's current status.
    pub fn of(candidate: &Candidate) -> Self {
        let results = candidate.results();
        let plugin = candidate.step().interceptor().plugin();
        let sum = |of: fn(&sandgate_pipeline::Counts) -> u64| results.hooks.iter().map(of).sum();
        let mut differences: Vec<_> = results
            .differences
            .iter()
            .map(|(pair, count)| Differing {
                hook: pair.hook.as_str().to_owned(),
                live: pair.live.as_str().to_owned(),
                candidate: pair.candidate.as_str().to_owned(),
                differs_in: pair.in_what.as_str().to_owned(),
                count: *count,
            })
            .collect();
        differences.sort_by_key(|one| std::cmp::Reverse(one.count));
        let recent = results.recent.iter().rev();
        Self {
            plugin: plugin.name.clone(),
            plugin_version: plugin.version.clone(),
            digest: candidate.step().digest().to_string(),
            share: candidate.share() * 100.0,
            since: time(results.since),
            runs: sum(|hook| hook.runs()),
            same: sum(|hook| hook.same),
            differs: sum(|hook| hook.differs),
            failed: sum(|hook| hook.failed),
            dropped: sum(|hook| hook.dropped),
            differences,
            failures: results
                .failures
                .iter()
                .map(|(kind, count)| ((*kind).to_owned(), *count))
                .collect(),
            median_us: results.medians.map(|(own, _)| own),
            live_median_us: results.medians.map(|(_, live)| live),
            recent: recent
                .map(|one| CandidateResult::of(candidate.step(), one))
                .collect(),
        }
    }

    /// Appends the status for people. `name` is the live interceptor's.
    pub fn text(&self, name: &str, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  candidate of {name}: {} {}, {}, {}% of calls since {}",
            printable(&self.plugin),
            printable(&self.plugin_version),
            short(&self.digest),
            self.share,
            self.since
        );
        let medians = match (self.median_us, self.live_median_us) {
            (Some(own), Some(live)) => format!("; median {own} µs, {live} µs live"),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "    {} runs: {} the same, {} differ, {} failed; {} dropped{medians}",
            self.runs, self.same, self.differs, self.failed, self.dropped
        );
        for one in &self.differences {
            let _ = writeln!(
                text,
                "    {} × {} {} → {}, differs in its {}",
                one.count, one.hook, one.live, one.candidate, one.differs_in
            );
        }
        for (kind, count) in &self.failures {
            let _ = writeln!(text, "    {count} × failed: {kind}");
        }
        if !self.recent.is_empty() {
            let ids = self.recent.iter().map(|one| printable(&one.id));
            let mut shown: Vec<String> = Vec::new();
            for id in ids {
                if !shown.contains(&id) && shown.len() < SHOWN {
                    shown.push(id);
                }
            }
            let _ = writeln!(
                text,
                "    the last of them (`sandgate why`): {}",
                shown.join(", ")
            );
        }
    }
}

impl CandidateResult {
    /// What the candidates of these steps made of a call.
    pub fn of_call(steps: &[Step], call: &CallId) -> Vec<Self> {
        let candidates = steps.iter().filter_map(Step::candidate);
        let of = |candidate: &std::sync::Arc<Candidate>| {
            let recent = candidate.results().recent;
            let of_call: Vec<_> = recent
                .iter()
                .filter(|one| one.call == *call)
                .map(|one| Self::of(candidate.step(), one))
                .collect();
            of_call
        };
        candidates.flat_map(of).collect()
    }

    fn of(step: &BoundInterceptor, one: &Difference) -> Self {
        Self {
            record: "candidate".into(),
            time: time(one.at),
            id: one.call.to_string(),
            interceptor: step.name().to_string(),
            digest: step.digest().to_string(),
            hook: one.hook.as_str().to_owned(),
            live: one.live.as_str().to_owned(),
            candidate: one.candidate.as_str().to_owned(),
            differs_in: one.in_what.map(|what| what.as_str().to_owned()),
            code: one.code.as_deref().map(str::to_owned),
            failure: one.failure.map(str::to_owned),
        }
    }

    /// The record for people, in the story of its call.
    pub fn text(&self) -> String {
        let detail = self.code.as_deref().or(self.failure.as_deref());
        let detail = detail.map_or(String::new(), |detail| format!(" ({detail})"));
        let compared = match &self.differs_in {
            Some(what) => format!("differs from the live one's {} in its {what}", self.live),
            None => format!("the live one's was {}", self.live),
        };
        format!(
            "  candidate of {}  {} {}{detail}, {compared}  {}",
            printable(&self.interceptor),
            printable(&self.hook),
            printable(&self.candidate),
            short(&self.digest)
        )
    }
}
