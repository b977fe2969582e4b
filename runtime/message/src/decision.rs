//! The decisions and findings of a hook. The twin of `interface decision` and `interface report` in `wit/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::edit::Edit;
use crate::explanation::Explanation;
use crate::json::Json;

/// One of the two places at which an interceptor runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Before a request or notification goes on.
    PreCall,
    /// On the reply.
    PostCall,
}

impl Hook {
    /// The hook's name: `pre-call` or `post-call`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreCall => "pre-call",
            Self::PostCall => "post-call",
        }
    }
}

/// A refusal: the call or reply does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code, stable and machine-readable, for example `pii.email`.
    pub code: String,
    /// The message for people and models.
    pub message: String,
    /// What the refusal is about: a pointer into the document.
    pub pointer: Option<String>,
    /// Details for programs.
    pub details: Option<Json>,
    /// Why the policy refused, for the operator alone: the requester must not learn how to get round a policy.
    pub explanation: Option<Box<Explanation>>,
}

/// The decision of a pre-call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreDecision {
    /// The call goes on as it is.
    Proceed,
    /// The call goes on with its params edited.
    Edit(Vec<Edit>),
    /// The call goes on with other params.
    Replace(Json),
    /// The call does not go on.
    Refuse(Refusal),
    /// This result stands in for the server's.
    Answer(Json),
}

/// The decision of a post-call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostDecision {
    /// The reply goes on as it is.
    Proceed,
    /// The reply goes on edited.
    Edit(Vec<Edit>),
    /// The reply goes on with another result or error.
    Replace(Json),
    /// The reply is withheld.
    Refuse(Refusal),
}

impl From<PostDecision> for PreDecision {
    fn from(decision: PostDecision) -> Self {
        match decision {
            PostDecision::Proceed => Self::Proceed,
            PostDecision::Edit(edits) => Self::Edit(edits),
            PostDecision::Replace(json) => Self::Replace(json),
            PostDecision::Refuse(refusal) => Self::Refuse(refusal),
        }
    }
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Info,
    Warn,
    Error,
}

/// Which document a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Part {
    Params,
    Reply,
}

/// Something that a hook noticed. A finding blocks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that matched, for example `pii.email`.
    pub rule: String,
    /// How grave the finding is.
    pub severity: Severity,
    /// The document that the finding is about.
    pub part: Part,
    /// The place in that document.
    pub pointer: Option<String>,
    /// The message for people. Never repeats the payload.
    pub message: String,
    /// Details for programs.
    pub details: Option<Json>,
}
