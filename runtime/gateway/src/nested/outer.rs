//! A message that carries others, and what becomes of it because of them.

use std::sync::Arc;

use sandgate_message::{Call, CallId, Edit, Id, Json, Message, apply};
use sandgate_pipeline::{Chain, NestedOutcome, NestedRefusal, TrailEntry};

use crate::call::error_reply;
use crate::call::in_flight::Reply;
use crate::nested::input_requests::InputRequests;
use crate::nested::store::NestedStore;
use crate::nested::ttl_map::{Lookup, Owner, TtlKey};
use crate::observe::capture::{NestedRun, SharedNestedRuns};

/// A message that carries others.
#[derive(Clone, Copy)]
pub(crate) struct Outer<'a> {
    pub(crate) nested: &'a NestedStore,
    /// The one that the whole passes: what it carries passes no other.
    pub(crate) chain: &'a Arc<Chain>,
    pub(crate) call: &'a Arc<Call>,
    /// Where it is taken down what becomes of what it carries.
    pub(crate) nested_runs: Option<&'a SharedNestedRuns>,
}

/// Why it does not go on.
pub(crate) struct NestedError {
    pub(crate) held: Box<NestedRefusal>,
    pub(crate) entries: Vec<TrailEntry>,
}

impl Outer<'_> {
    pub(crate) fn client(&self) -> Owner {
        Owner::client(self.call.principal.as_ref(), self.call.session.as_ref())
    }

    /// What was asked there; from now on the whole is known to continue it.
    pub(crate) fn inputs(&self, place: &TtlKey) -> Lookup<Arc<InputRequests>> {
        let found = self.nested.input_requests.find(place, &self.client());
        if let Lookup::Own(inputs) = &found {
            self.follows(inputs.captured());
        }
        found
    }

    /// It continues an exchange; none: one that nobody took down.
    pub(crate) fn follows(&self, before: Option<&CallId>) {
        if let Some(nested_runs) = self.nested_runs {
            nested_runs.lock().follow(before);
        }
    }

    /// Its own id, where it is taken down.
    pub(crate) fn captured(&self) -> Option<CallId> {
        self.nested_runs.map(|_| self.call.id.clone())
    }

    /// Runs over a message that it carries.
    pub(crate) fn note(&self, method: &Arc<str>, runs: &[TrailEntry]) {
        if let Some(nested_runs) = self.nested_runs {
            let aside = |entry: &TrailEntry| NestedRun {
                method: method.clone(),
                entry: entry.clone(),
            };
            nested_runs.lock().runs.extend(runs.iter().map(aside));
        }
    }

    /// The document after these edits; none where there are none.
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

    /// What came back cannot pass on.
    pub(crate) fn withheld(&self, what: &str) -> NestedError {
        NestedError::said(error_reply::withheld(self.call, what))
    }

    /// It cannot be recorded.
    pub(crate) fn unwritten(&self) -> NestedError {
        NestedError::said(error_reply::unwritten(&Id::number(0), self.call, true))
    }

    /// Something within it does not go on.
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
    /// In the gateway's own words; the id is put in where the asker's is known.
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
