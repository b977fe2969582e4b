//! The trail: which interceptor decided what about a call, and how long it took. The trail never serializes the
//! payload.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Explanation, Failure, Finding, Hook, Json, Part, Severity};
use serde::{Serialize, Serializer};

use crate::raw_json::raw_json;
use crate::step_config::Mode;

/// Every hook run of one call: the pre-calls, then the post-calls; within each, in the order in which the interceptors
/// were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// The version of the chain that the call entered.
    pub version: u64,
    /// The entries, one for each run.
    pub entries: Vec<TrailEntry>,
}

/// One hook run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    /// The name that the operator gave the interceptor.
    pub interceptor: Arc<str>,
    /// The digest of the plugin that ran, `sha256:…`.
    pub digest: Arc<str>,
    /// The hook at which it ran.
    #[serde(serialize_with = "hook")]
    pub hook: Hook,
    /// Whether the interceptor's decisions count.
    pub mode: Mode,
    /// What the interceptor decided.
    pub decision: Decision,
    /// Whether the decision took effect. It did not in audit, if a failure was let through, if an earlier answer or a
    /// refusal overtook an answer, or if an earlier refusal or failure in the file's order came before this one.
    pub applied: bool,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Box<str>>,
    /// What a refusal is about: a pointer into the document that the interceptor saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Box<str>>,
    /// Why the interceptor refused, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explanation>>,
    /// The kind of a fault, for example `deadline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Details of a fault, unless the interceptor never ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<Malfunction>>,
    /// What the interceptor noticed.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "findings")]
    pub findings: Vec<Finding>,
    /// The document that the run saw, if the run refused or noticed something and the chain shows documents.
    #[serde(skip)]
    pub seen: Option<Json>,
    /// Microseconds from the question to the decision.
    pub us: u64,
    /// When the interceptor was asked. `None` if it never was, since the requester went away first.
    #[serde(skip)]
    pub asked: Option<Instant>,
}

/// What is known of an interceptor's malfunction. Its error message is left out, since that may repeat the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Malfunction {
    /// The error's type as the plugin's language names it, why the plugin crashed, or which limit or rule it broke.
    pub kind: Box<str>,
    /// The stack frames of the plugin author's code, innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
}

impl Malfunction {
    /// The malfunction behind a failure, if there is one.
    pub(crate) fn of(failure: &Failure) -> Option<Box<Self>> {
        let kind = match failure {
            Failure::Load(_) | Failure::Overload(_) => return None,
            Failure::Trap { reason, .. } => reason.as_str().into(),
            Failure::Own { kind, .. } => kind.as_str().into(),
            // None of these texts repeats what a guest or a caller said.
            Failure::Deadline { .. }
            | Failure::Memory(_)
            | Failure::Quota(_)
            | Failure::Malformed(_) => format!("it {failure}").into(),
        };
        Some(Box::new(Self {
            kind,
            frames: failure.frames().to_vec(),
        }))
    }
}

/// The decision of a hook run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Decision {
    Proceed,
    Edit,
    Replace,
    Refuse,
    Answer,
    /// No decision: the run failed, or its decision cannot be applied.
    Fault,
}

impl Decision {
    /// The decision's name in the trail.
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
    /// Whether the interceptor let the message pass as it was, and noticed nothing.
    pub fn is_silent(&self) -> bool {
        self.decision == Decision::Proceed && self.findings.is_empty()
    }
}

impl Trail {
    /// An empty trail.
    pub(crate) fn new(version: u64) -> Self {
        Self {
            version,
            entries: Vec::new(),
        }
    }

    /// Marks answers as not applied, since the call was refused after them.
    pub(crate) fn overtake_answer(&mut self) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.decision == Decision::Answer)
        {
            entry.applied = false;
        }
    }

    /// The run that stopped the call or withheld its reply: a refusal, or a failure under fail-closed.
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
