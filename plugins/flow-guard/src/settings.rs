//! The settings, and what is made of them.

use sandgate_sdk::{Issues, glob_matches};

use crate::FlowGuard;
use crate::label::{Label, Labels};
use crate::verdict::Verdict;

/// Which calls are watched, and what is recorded or refused.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    /// What tools do, where their names and annotations do not say it. The first entry that fits decides alone.
    labels: Vec<Labelled>,
    /// Pairs of labels: a call with any label of `then` is refused once the conversation has all of `after`.
    refuse: Vec<Pair>,
    /// The score from which a call is recorded as a finding.
    #[cfg_attr(test, schemars(range(min = 0.1, max = 10.0)))]
    record_at: f32,
    /// The score from which a call is refused. Left out: no score refuses.
    #[cfg_attr(test, schemars(range(min = 0.1, max = 10.0)))]
    refuse_at: Option<f32>,
    /// Destinations that are trusted wherever they come from: whole values with the wildcards `*` and `?`, in small
    /// letters, for example `*@example.com`.
    #[cfg_attr(test, schemars(inner(length(min = 1))))]
    trusted: Vec<String>,
    /// Tools and arguments that are not judged.
    exempt: Vec<Exempt>,
    /// Calls that send, pay, delete or touch credentials: how many in how many seconds are a burst. 0 calls: never.
    burst: Burst,
    /// How long a conversation is remembered after its last call, in minutes.
    #[cfg_attr(test, schemars(range(min = 1, max = 525_600)))]
    remember_minutes: u32,
}

/// What the tools of a pattern do.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
struct Labelled {
    /// `SERVER/TOOL` with wildcards.
    #[cfg_attr(test, schemars(regex(pattern = r"^(\*|[^/]+/.+)$")))]
    tool: String,
    /// What it does; empty: nothing that matters here.
    is: Vec<Label>,
}

/// Labels that must not follow others.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
struct Pair {
    /// What the conversation has done: all of these, in any order.
    #[cfg_attr(test, schemars(length(min = 1)))]
    after: Vec<Label>,
    /// What the call does: any of these.
    #[cfg_attr(test, schemars(length(min = 1)))]
    then: Vec<Label>,
}

/// What is not judged.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
struct Exempt {
    /// `SERVER/TOOL` with wildcards.
    #[cfg_attr(test, schemars(regex(pattern = r"^(\*|[^/]+/.+)$")))]
    tool: String,
    /// The name of an argument, whose values then do not count. Left out: the whole call.
    #[cfg_attr(test, schemars(length(min = 1)))]
    argument: Option<String>,
}

/// How many calls in how much time.
#[derive(Clone, Copy, serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct Burst {
    /// Calls; 0: never a burst.
    pub(crate) calls: u16,
    /// Seconds.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) seconds: u32,
}

/// Globs for a server and a tool.
pub(crate) struct Target {
    server: String,
    tool: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            refuse: Vec::new(),
            record_at: Verdict::ALERT,
            refuse_at: None,
            trusted: Vec::new(),
            exempt: Vec::new(),
            burst: Burst {
                calls: 20,
                seconds: 60,
            },
            remember_minutes: 24 * 60,
        }
    }
}

impl Target {
    fn read(text: &str) -> Option<Self> {
        let (server, tool) = match text {
            "*" => ("*", "*"),
            _ => text.split_once('/')?,
        };
        (!server.is_empty() && !tool.is_empty()).then(|| Self {
            server: server.into(),
            tool: tool.into(),
        })
    }

    pub(crate) fn is(&self, server: &str, tool: &str) -> bool {
        glob_matches(&self.server, server) && glob_matches(&self.tool, tool)
    }
}

impl Settings {
    /// The policy of these settings. The error lists everything that is wrong.
    pub(crate) fn read(self) -> Result<FlowGuard, Issues> {
        let mut issues = Issues::new();
        let target = |text: &str, place: String, issues: &mut Issues| {
            let target = Target::read(text);
            if target.is_none() {
                issues.add(
                    place,
                    format!("{text:?} is not \"SERVER/TOOL\" or \"*\"; for all of a server: \"SERVER/*\""),
                );
            }
            target
        };
        let mut labels = Vec::new();
        for (at, entry) in self.labels.iter().enumerate() {
            if let Some(target) = target(&entry.tool, format!("/labels/{at}/tool"), &mut issues) {
                labels.push((target, entry.is.iter().copied().collect::<Labels>()));
            }
        }
        let mut refuse = Vec::new();
        for (at, pair) in self.refuse.iter().enumerate() {
            for (name, labels) in [("after", &pair.after), ("then", &pair.then)] {
                if labels.is_empty() {
                    issues.add(
                        format!("/refuse/{at}/{name}"),
                        "empty: name at least one label",
                    );
                }
            }
            refuse.push((
                pair.after.iter().copied().collect(),
                pair.then.iter().copied().collect(),
            ));
        }
        let mut exempt = Vec::new();
        for (at, entry) in self.exempt.iter().enumerate() {
            if entry.tool == "*" && entry.argument.is_none() {
                issues.add(
                    format!("/exempt/{at}/tool"),
                    "would exempt everything; remove the interceptor instead",
                );
            } else if let Some(target) =
                target(&entry.tool, format!("/exempt/{at}/tool"), &mut issues)
            {
                exempt.push((target, entry.argument.clone()));
            }
        }
        for (at, glob) in self.trusted.iter().enumerate() {
            if glob.chars().all(|c| matches!(c, '*' | '?')) {
                issues.add(
                    format!("/trusted/{at}"),
                    "would trust everything; name the destinations",
                );
            } else if glob.chars().any(char::is_uppercase) {
                issues.add(
                    format!("/trusted/{at}"),
                    "destinations are compared in small letters; write it in small letters",
                );
            }
        }
        let is_score = |score: f32| (0.1..=10.0).contains(&score);
        if !is_score(self.record_at) {
            issues.add("/record-at", "a score is between 0.1 and 10");
        }
        if self.refuse_at.is_some_and(|score| !is_score(score)) {
            issues.add("/refuse-at", "a score is between 0.1 and 10");
        }
        if self.burst.seconds == 0 {
            issues.add("/burst/seconds", "0 seconds hold no calls");
        }
        if self.remember_minutes == 0 {
            issues.add("/remember-minutes", "0: nothing would be remembered");
        }
        issues.or(FlowGuard {
            labels,
            refuse,
            record_at: self.record_at,
            refuse_at: self.refuse_at,
            trusted: self.trusted,
            exempt,
            burst: self.burst,
            remember: std::time::Duration::from_secs(u64::from(self.remember_minutes) * 60),
        })
    }
}
