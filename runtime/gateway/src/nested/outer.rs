//! The outer message, which carries nested ones.

use std::sync::Arc;

use sandgate_message::{Call, CallId, Edit, Id, Json, Message, apply};
use sandgate_pipeline::{Chain, NestedOutcome, NestedRefusal, TrailEntry};

use crate::call::error_reply;
use crate::call::in_flight::Reply;
use crate::nested::input_requests::InputRequests;
use crate::nested::store::NestedStore;
use crate::nested::ttl_map::{Lookup, Owner, TtlKey};
use sandgate_observe::{NestedRun, SharedNestedRuns};

/// A message that carries nested messages.
#[derive(Clone, Copy)]
pub(crate) struct Outer<'a> {
    pub(crate) nested: &'a NestedStore,
    /// The chain of the outer message, which its nested messages pass too.
    pub(crate) chain: &'a Arc<Chain>,
    pub(crate) call: &'a Arc<Call>,
    /// The nested runs of the call's capture; `None` if the call is not captured.
    pub(crate) nested_runs: Option<&'a SharedNestedRuns>,
}

/// Why an outer message is not forwarded.
pub(crate) struct NestedError {
    pub(crate) held: Box<NestedRefusal>,
    pub(crate) entries: Vec<TrailEntry>,
}

impl Outer<'_> {
    pub(crate) fn client(&self) -> Owner {
        Owner::client(self.call.principal.as_ref(), self.call.session.as_ref())
    }

    /// Looks up the questions kept under `place`. The capture notes that the outer call continues the one that asked
    /// them.
    pub(crate) fn inputs(&self, place: &TtlKey) -> Lookup<Arc<InputRequests>> {
        let found = self.nested.input_requests.find(place, &self.client());
        if let Lookup::Own(inputs) = &found {
            self.follows(inputs.captured());
        }
        found
    }

    /// Notes in the capture that the call continues the call `before`; `None` means one that was not captured.
    pub(crate) fn follows(&self, before: Option<&CallId>) {
        if let Some(nested_runs) = self.nested_runs {
            nested_runs.lock().follow(before);
        }
    }

    /// The outer call's id, if the call is captured.
    pub(crate) fn captured(&self) -> Option<CallId> {
        self.nested_runs.map(|_| self.call.id.clone())
    }

    /// Adds interceptor runs over a nested message to the capture.
    pub(crate) fn note(&self, method: &Arc<str>, runs: &[TrailEntry]) {
        if let Some(nested_runs) = self.nested_runs {
            let aside = |entry: &TrailEntry| NestedRun {
                method: method.clone(),
                entry: entry.clone(),
            };
            nested_runs.lock().runs.extend(runs.iter().map(aside));
        }
    }

    /// The document with the edits applied; `None` where there are no edits.
    ///
    /// # Errors
    ///
    /// The edited document is invalid or exceeds the limits.
    pub(crate) fn edited(
        &self,
        document: &Json,
        edits: &[Edit],
    ) -> Result<Option<Json>, NestedError> {
        if edits.is_empty() {
            return Ok(None);
        }
        apply(document, edits, &self.nested.limits)
            .map(Some)
            .map_err(|error| self.withheld(&format!("what policies made of it is {error}")))
    }

    /// The error for a reply that the gateway withholds.
    pub(crate) fn withheld(&self, what: &str) -> NestedError {
        NestedError::said(error_reply::withheld(self.call, what))
    }

    /// The error for a nested message that cannot be recorded.
    pub(crate) fn unwritten(&self) -> NestedError {
        NestedError::said(error_reply::unwritten(&Id::number(0), self.call, true))
    }

    /// The error for a nested message that an interceptor stopped or that cannot be recorded.
    pub(crate) fn trouble(&self, left: Reply) -> NestedError {
        match (left.interrupted, left.message) {
            (Some(interrupted), _) => NestedError {
                held: Box::new(NestedRefusal::Interrupted(interrupted)),
                entries: left.entries,
            },
            (None, Some(message)) => NestedError::said(message),
            (None, None) => self.unwritten(),
        }
    }
}

impl NestedError {
    /// An error with a message of the gateway's own. The asker's id is added later.
    pub(crate) fn said(message: Message) -> Self {
        Self {
            held: Box::new(NestedRefusal::Gateway(Box::new(message))),
            entries: Vec::new(),
        }
    }
}

impl From<NestedError> for NestedOutcome {
    fn from(trouble: NestedError) -> Self {
        Self {
            outcome: Err(*trouble.held),
            entries: trouble.entries,
        }
    }
}
