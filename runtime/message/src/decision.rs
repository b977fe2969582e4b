//! What a hook may decide, and what it may note. The twin of `interface decision` and `interface report` in `wit/`.

use crate::explanation::Explanation;
use crate::json::Json;

/// One of the two places at which an interceptor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// Before a request or notification goes on.
    PreCall,
    /// On the reply, before its asker sees it.
    PostCall,
}

impl Hook {
    /// `pre-call` or `post-call`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreCall => "pre-call",
            Self::PostCall => "post-call",
        }
    }
}

/// A change to a document, as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// (pointer, JSON text): replaces, adds a member, or appends (`/-`).
    Set(String, String),
    /// The value at this pointer goes.
    Remove(String),
    /// (index in `texts`, new text).
    Text(u32, String),
}

/// A call or reply that does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable and machine-readable, for example `pii.email`.
    pub code: String,
    /// For people and models.
    pub message: String,
    /// What it is about.
    pub pointer: Option<String>,
    /// For programs.
    pub details: Option<Json>,
    /// For the operator alone: the asker is not told how to get round a policy.
    pub explanation: Option<Box<Explanation>>,
}

/// What a pre-call decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreDecision {
    /// Goes on as it is.
    Proceed,
    /// Goes on so changed.
    Edit(Vec<Edit>),
    /// Goes on with other params.
    Replace(Json),
    /// Does not go on.
    Refuse(Refusal),
    /// This result stands in for the server's.
    Answer(Json),
}

/// What a post-call decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostDecision {
    /// Goes on as it is.
    Proceed,
    /// Goes on so changed.
    Edit(Vec<Edit>),
    /// Goes on with another result or error.
    Replace(Json),
    /// Is withheld.
    Refuse(Refusal),
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Info,
    Warn,
    Error,
}

/// Which document a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Part {
    Params,
    Reply,
}

/// What a hook noticed; blocks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// For example `pii.email`.
    pub rule: String,
    /// How grave.
    pub severity: Severity,
    /// In which document.
    pub part: Part,
    /// Where in it.
    pub pointer: Option<String>,
    /// For people; never repeats the payload.
    pub message: String,
    /// For programs.
    pub details: Option<Json>,
}
