//! The settings.

use std::collections::BTreeSet;
use std::time::Duration;

use sandgate_sdk::{Issues, glob_matches, pointer};

use crate::endpoint;

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) allow_remote: bool,
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) api_key: Option<String>,
    #[serde(default = "directions")]
    pub(crate) directions: Vec<Direction>,
    #[serde(default)]
    pub(crate) actions: Option<Actions>,
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    #[serde(default = "labels")]
    pub(crate) labels: Vec<String>,
    #[serde(default = "safe_labels")]
    pub(crate) safe_labels: Vec<String>,
    #[serde(default)]
    pub(crate) input_form: InputForm,
    #[serde(default = "language")]
    pub(crate) language: String,
    #[serde(default)]
    pub(crate) entities: Vec<String>,
    #[serde(default = "timeout")]
    timeout: String,
    #[serde(default = "ttl")]
    cache_ttl: String,
    #[serde(default)]
    pub(crate) cache_key: Option<String>,
    #[serde(default = "batch")]
    pub(crate) batch: usize,
    #[serde(default = "max_requests")]
    pub(crate) max_requests: usize,
    #[serde(default = "max_bytes")]
    max_bytes: String,
    #[serde(default)]
    max_text: Option<String>,
    #[serde(default)]
    pub(crate) on_failure: Policy,
    #[serde(default)]
    pub(crate) on_excess: Policy,
    #[serde(default)]
    pub(crate) returned: Returned,
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
}

/// The protocol that the classifier speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `/v1/moderations` of OpenAI and of servers like it.
    OpenaiModeration,
    /// `/v1/chat/completions`, asked for a score.
    OpenaiChat,
    /// `/analyze` of Presidio's analyzer.
    Presidio,
    /// Text classification as Hugging Face's servers answer it.
    PromptGuard,
}

/// What is sent to the classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// What servers reply. Replies pass the interceptors from the bottom.
    Results,
    /// What servers say and ask unasked. It passes from the top.
    Messages,
    /// What clients send, from the top, and answer.
    Arguments,
    /// What servers say of themselves: lists and instructions.
    Definitions,
}

/// From which score on what is done. What is not named is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actions {
    pub(crate) record: Option<f64>,
    pub(crate) annotate: Option<f64>,
    pub(crate) mask: Option<f64>,
    pub(crate) refuse: Option<f64>,
}

/// What happens where a document was not judged, or not all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Policy {
    #[default]
    Record,
    Refuse,
    Pass,
}

/// What happens to a call whose arguments contain a mark of this policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Returned {
    #[default]
    Refuse,
    Pass,
}

/// How a text-classification server takes several texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputForm {
    /// `["a", "b"]`.
    #[default]
    Texts,
    /// `[["a"], ["b"]]`: where a flat list means a pair of sentences.
    Lists,
}

/// What is not judged.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(crate) tool: String,
    #[serde(default)]
    pub(crate) argument: Option<String>,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
}

/// The numbers of the settings, read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) cache_ttl: Duration,
    pub(crate) max_bytes: usize,
    /// The longest piece of a text that is one input.
    pub(crate) max_text: usize,
    pub(crate) actions: Actions,
}

fn directions() -> Vec<Direction> {
    vec![Direction::Results]
}
fn labels() -> Vec<String> {
    ["INJECTION", "JAILBREAK", "MALICIOUS", "UNSAFE", "LABEL_1"]
        .map(Into::into)
        .into()
}
fn safe_labels() -> Vec<String> {
    ["BENIGN", "SAFE", "LEGIT", "LABEL_0"]
        .map(Into::into)
        .into()
}
fn language() -> String {
    "en".into()
}
fn timeout() -> String {
    "2s".into()
}
fn ttl() -> String {
    "10m".into()
}
fn batch() -> usize {
    32
}
fn max_requests() -> usize {
    4
}
fn max_bytes() -> String {
    "64KiB".into()
}

impl Exception {
    /// Whether it is about this target, `SERVER/NAME`. One without a name is only in what is about every target.
    pub(crate) fn fits(&self, target: Option<&str>) -> bool {
        match target {
            Some(target) => glob_matches(&self.tool, target),
            None => self.tool == "*",
        }
    }

    /// Whether it is about the text at this pointer.
    pub(crate) fn covers(&self, pointer: Option<&str>) -> bool {
        let Some(argument) = self.argument.as_deref() else {
            return true;
        };
        let Some(pointer) = pointer else {
            return false;
        };
        let within = pointer.strip_prefix("/arguments").unwrap_or(pointer);
        argument == pointer || argument == within || argument == pointer::member(pointer)
    }
}

impl Settings {
    /// Checks what the schema of the settings cannot express, and reads its numbers. The error lists everything that is
    /// wrong.
    pub(crate) fn checked(&self) -> Result<Limits, Issues> {
        let mut issues = Issues::new();
        if let Err(why) = endpoint::check(&self.url, self.allow_remote) {
            issues.add("/url", why);
        }
        self.check_words(&mut issues);
        self.check_lists(&mut issues);
        let actions = self.actions(&mut issues);
        let mut length = |pointer: &str, text: &str, most: Duration| {
            let read = duration(text).filter(|length| *length <= most);
            if read.is_none() {
                issues.add(
                    pointer,
                    format!(
                        "{text:?} is no length of time from 1ms to {}s: write a whole number and ms, s, m, h or d, such \
                         as \"800ms\"",
                        most.as_secs()
                    ),
                );
            }
            read.unwrap_or_default()
        };
        let timeout = length("/timeout", &self.timeout, Duration::from_secs(60));
        let cache_ttl = length(
            "/cache-ttl",
            &self.cache_ttl,
            Duration::from_secs(7 * 86_400),
        );
        let mut size = |pointer: &str, text: &str, least: usize| {
            let read = bytes(text).filter(|bytes| (least..=1 << 20).contains(bytes));
            if read.is_none() {
                issues.add(
                    pointer,
                    format!(
                        "{text:?} is no size from {least}B to 1MiB: write a whole number and B, KiB or MiB, such as \
                         \"16KiB\""
                    ),
                );
            }
            read.unwrap_or_default()
        };
        let max_bytes = size("/max-bytes", &self.max_bytes, 256);
        let max_text = match (&self.max_text, self.kind) {
            (Some(text), _) => size("/max-text", text, 64),
            // Such models read some 512 tokens and overlook the rest.
            (None, Kind::PromptGuard) => 1536,
            (None, Kind::OpenaiChat) => 16 << 10,
            (None, _) => usize::MAX,
        };
        for (pointer, number, most) in [
            ("/batch", self.batch, 256),
            ("/max-requests", self.max_requests, 64),
        ] {
            if !(1..=most).contains(&number) {
                issues.add(pointer, format!("{number} is not from 1 to {most}"));
            }
        }
        issues.or(Limits {
            timeout,
            cache_ttl,
            max_bytes,
            max_text,
            actions,
        })
    }

    fn check_words(&self, issues: &mut Issues) {
        if self.kind == Kind::OpenaiChat && self.model.is_none() {
            issues.add("/model", "missing: `openai-chat` needs the name of a model");
        }
        let words = [
            ("/model", self.model.as_deref()),
            ("/api-key", self.api_key.as_deref()),
            ("/language", Some(self.language.as_str())),
        ];
        for (pointer, word) in words {
            if word.is_some_and(|word| {
                word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic())
            }) {
                issues.add(pointer, "empty, or with a blank or a letter outside ASCII");
            }
        }
        if self.cache_key.as_ref().is_some_and(|key| key.len() < 16) {
            issues.add(
                "/cache-key",
                "shorter than 16 characters: whoever guesses it can find out what others sent",
            );
        }
    }

    fn check_lists(&self, issues: &mut Issues) {
        if self.directions.is_empty() {
            issues.add("/directions", "empty: nothing would be judged");
        }
        if self.kind == Kind::PromptGuard && self.labels.is_empty() {
            issues.add("/labels", "empty: no score would count");
        }
        let lists = [
            ("/categories", &self.categories, Kind::OpenaiModeration),
            ("/entities", &self.entities, Kind::Presidio),
        ];
        for (pointer, list, kind) in lists {
            if !list.is_empty() && self.kind != kind {
                issues.add(pointer, "means nothing to this kind of classifier");
            }
        }
        let names = [
            ("/categories", &self.categories),
            ("/entities", &self.entities),
            ("/labels", &self.labels),
            ("/safe-labels", &self.safe_labels),
        ];
        for (pointer, list) in names {
            let mut seen = BTreeSet::new();
            for (index, name) in list.iter().enumerate() {
                if !is_name(name) {
                    issues.add(
                        format!("{pointer}/{index}"),
                        "is no name: 1 to 64 letters, digits and _ - / . or :",
                    );
                } else if !seen.insert(name) {
                    issues.add(format!("{pointer}/{index}"), "stands there twice");
                }
            }
        }
        for (index, label) in self.labels.iter().enumerate() {
            if self.kind == Kind::PromptGuard && self.safe_labels.contains(label) {
                issues.add(format!("/labels/{index}"), "is a safe label too");
            }
        }
        for (index, exception) in self.exceptions.iter().enumerate() {
            if exception.tool != "*" && !exception.tool.contains('/') {
                issues.add(
                    format!("/exceptions/{index}/tool"),
                    format!(
                        "{0:?} is not \"SERVER/TOOL\" or \"*\"; for any server: \"*/{0}\"",
                        exception.tool
                    ),
                );
            }
            let is_everything = matches!(&*exception.tool, "*" | "*/*");
            if is_everything && exception.argument.is_none() && exception.labels.is_empty() {
                issues.add(
                    format!("/exceptions/{index}"),
                    "would let everything pass; remove the interceptor instead",
                );
            }
            if exception.argument.as_ref().is_some_and(String::is_empty) {
                issues.add(
                    format!("/exceptions/{index}/argument"),
                    "empty: give a member's name or a JSON Pointer",
                );
            }
        }
    }

    fn actions(&self, issues: &mut Issues) -> Actions {
        let actions = self.actions.unwrap_or(Actions {
            record: Some(0.5),
            ..Actions::default()
        });
        let named = [
            ("/actions/record", actions.record),
            ("/actions/annotate", actions.annotate),
            ("/actions/mask", actions.mask),
            ("/actions/refuse", actions.refuse),
        ];
        if named.iter().all(|(_, threshold)| threshold.is_none()) {
            issues.add(
                "/actions",
                "empty: the classifier would be asked for nothing",
            );
        }
        for (pointer, threshold) in named {
            if threshold.is_some_and(|threshold| !(threshold > 0.0 && threshold <= 1.0)) {
                issues.add(pointer, "is not above 0 and at most 1");
            }
        }
        if actions.mask.is_some() && self.kind != Kind::Presidio {
            issues.add("/actions/mask", "only `presidio` says where to mask");
        }
        actions
    }
}

impl Actions {
    /// The lowest score on which anything is done.
    pub(crate) fn least(&self) -> f64 {
        [self.record, self.annotate, self.mask, self.refuse]
            .into_iter()
            .flatten()
            .fold(1.0, f64::min)
    }
}

/// Whether it is a name as classifiers have for labels, categories and entities.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.:".contains(&byte))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let number = number.parse().ok().filter(|number| *number > 0)?;
    Some((number, unit))
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = number(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = number(text)?;
    let unit = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    usize::try_from(number.checked_mul(unit)?).ok()
}
