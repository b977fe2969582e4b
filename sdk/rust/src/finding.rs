//! What a hook noticed; recorded, blocks nothing.

use crate::bindings::contract::report;
use crate::explanation::Explanation;

pub use report::Severity;

/// A note for the trail, built up and then given with [`Self::report`].
#[must_use = "nothing is recorded before `report`"]
pub struct Finding(report::Finding);

/// A finding under a stable rule (`pii.email`): severity info, about the reply, without a place. The message is for
/// people and never repeats the payload.
pub fn finding(rule: impl Into<String>, message: impl Into<String>) -> Finding {
    Finding(report::Finding {
        rule: rule.into(),
        severity: Severity::Info,
        part: report::Part::Reply,
        pointer: None,
        message: message.into(),
        details: None,
    })
}

impl Finding {
    /// Worth a look.
    pub fn warn(mut self) -> Self {
        self.0.severity = Severity::Warn;
        self
    }

    /// Should not be.
    pub fn error(mut self) -> Self {
        self.0.severity = Severity::Error;
        self
    }

    /// It is about the params, not the reply.
    pub fn in_params(mut self) -> Self {
        self.0.part = report::Part::Params;
        self
    }

    /// Where, as a JSON Pointer.
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.0.pointer = Some(pointer.into());
        self
    }

    /// JSON text for programs; never repeats the payload.
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.0.details = Some(details.into());
        self
    }

    /// Why, for the operator, beside the details given before.
    pub fn explain(mut self, explanation: Explanation) -> Self {
        self.0.details = explanation.added_to(self.0.details.take());
        self
    }

    /// Records it.
    pub fn report(self) {
        #[cfg(target_family = "wasm")]
        report::find(&self.0);
        #[cfg(not(target_family = "wasm"))]
        crate::testing::record_finding(self.0);
    }
}
