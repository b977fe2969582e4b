//! Who decided what about a call, and how long it took. Never the payload.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Explanation, Failure, Finding, Hook, Json, Part, Severity};
use serde::{Serialize, Serializer};

use crate::raw_json::raw_json;
use crate::step_config::Mode;

/// Every hook run of one call: the way in, then the way out; in each, the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// Of the chain that the call entered.
    pub version: u64,
    /// One for each run.
    pub entries: Vec<TrailEntry>,
}

/// One hook run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    /// The name the operator gave it.
    pub interceptor: Arc<str>,
    /// `sha256:…` of the plugin that ran.
    pub digest: Arc<str>,
    /// Where it ran.
    #[serde(serialize_with = "hook")]
    pub hook: Hook,
    /// Whether its decisions count.
    pub mode: Mode,
    /// What it decided.
    pub decision: Decision,
    /// The decision is what happened. False: in audit; of a failure that was let through; of an answer that an earlier
    /// one or a refusal overtook; of a refusal or failure that was not the first in the file.
    pub applied: bool,
    /// Of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// Of a refusal: what it is about, in the document handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Box<str>>,
    /// Of a refusal: why, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explanation>>,
    /// Of a fault: its kind, for example `deadline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Of a fault that the interceptor itself told of, or that wasmtime saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<Malfunction>>,
    /// What it noticed.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "findings")]
    pub findings: Vec<Finding>,
    /// What the run saw, where it refused or noticed something and the chain shows that.
    #[serde(skip)]
    pub seen: Option<Json>,
    /// Microseconds from being asked to having decided.
    pub us: u64,
    /// When it was asked. None: it never was, since its asker went away first.
    #[serde(skip)]
    pub asked: Option<Instant>,
}

/// What is known of an interceptor's own malfunction, without what it said: that may repeat the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Malfunction {
    /// The error's type as the plugin's language names it, or why it crashed.
    pub kind: Box<str>,
    /// The author's frames, innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
}

impl Malfunction {
    /// Of a failure that is one.
    pub(crate) fn of(failure: &Failure) -> Option<Box<Self>> {
        failure.name().map(|kind| {
            Box::new(Self {
                kind: kind.into(),
                frames: failure.frames().to_vec(),
            })
        })
    }
}

/// What came of a hook run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Decision {
    Proceed,
    Edit,
    Replace,
    Refuse,
    Answer,
    /// There was none: it failed, or what it decided cannot be done.
    Fault,
}

impl Decision {
    /// As the trail spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::Edit => "edit",
            Self::Replace => "replace",
            Self::Refuse => "refuse",
            Self::Answer => "answer",
            Self::Fault => "fault",
        }
    }
}

impl TrailEntry {
    /// The interceptor let the message pass as it was, and noticed nothing.
    pub fn is_silent(&self) -> bool {
        self.decision == Decision::Proceed && self.findings.is_empty()
    }
}

impl Trail {
    /// Nothing ran yet.
    pub(crate) fn new(version: u64) -> Self {
        Self {
            version,
            entries: Vec::new(),
        }
    }

    /// The call was refused after an answer: it did not stand.
    pub(crate) fn overtake_answer(&mut self) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.decision == Decision::Answer)
        {
            entry.applied = false;
        }
    }

    /// The run that ended the call or withheld its reply: a refusal, or a failure under fail-closed.
    pub fn stopped_by(&self) -> Option<&TrailEntry> {
        self.entries.iter().find(|entry| {
            entry.applied && matches!(entry.decision, Decision::Refuse | Decision::Fault)
        })
    }

    /// Whether an active interceptor changed what passed, or stood in for the server.
    pub fn changed(&self) -> bool {
        let changes = |decision| {
            matches!(
                decision,
                Decision::Edit | Decision::Replace | Decision::Answer
            )
        };
        self.entries
            .iter()
            .any(|entry| entry.applied && changes(entry.decision))
    }
}

fn hook<S: Serializer>(hook: &Hook, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(hook.as_str())
}

#[derive(Serialize)]
struct Noticed<'a> {
    rule: &'a str,
    severity: Severity,
    part: Part,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "raw_json")]
    details: Option<&'a Json>,
}

fn findings<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(|finding| Noticed {
        rule: &finding.rule,
        severity: finding.severity,
        part: finding.part,
        pointer: finding.pointer.as_deref(),
        message: &finding.message,
        details: finding.details.as_ref(),
    }))
}

#[cfg(test)]
mod tests;
