//! What a hook may decide.

pub use crate::bindings::contract::decision::{Edit, PostDecision, PreDecision, Refusal};

use crate::explanation::Explanation;

/// A refusal: `code` is stable and machine-readable (`pii.email`), `message` is for people and models and never repeats
/// the payload. `.into()` makes a decision of it, for either hook.
pub fn refuse(code: impl Into<String>, message: impl Into<String>) -> Refusal {
    Refusal {
        code: code.into(),
        message: message.into(),
        pointer: None,
        details: None,
    }
}

impl Refusal {
    /// What it is about, as a JSON Pointer into the document handed over.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// For programs; never repeats the payload.
    #[must_use]
    pub fn details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details.to_string());
        self
    }

    /// Why, for the operator, beside the details given before.
    #[must_use]
    pub fn explain(mut self, explanation: Explanation) -> Self {
        self.details = explanation.added_to(self.details.take());
        self
    }
}

impl From<Refusal> for PreDecision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<Refusal> for PostDecision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// No edits: proceed.
impl From<Vec<Edit>> for PreDecision {
    fn from(edits: Vec<Edit>) -> Self {
        if edits.is_empty() {
            Self::Proceed
        } else {
            Self::Edit(edits)
        }
    }
}

/// No edits: proceed.
impl From<Vec<Edit>> for PostDecision {
    fn from(edits: Vec<Edit>) -> Self {
        if edits.is_empty() {
            Self::Proceed
        } else {
            Self::Edit(edits)
        }
    }
}
