//! The candidates of a configuration, beside the interceptors that they are tried against. A candidate that did not
//! change keeps its counts.

use std::sync::Arc;

use sandgate_message::Interceptor;
use sandgate_pipeline::{Candidate, Step, StepError};
use serde_json::Value;

/// The candidates of one edition.
#[derive(Clone, Default)]
pub(super) struct HeldCandidates(Vec<Held>);

#[derive(Clone)]
struct Held {
    /// The live interceptor that the candidate is compared with.
    live: Arc<dyn Interceptor>,
    /// The whole interceptor as it was written, since scope and timeout matter to the comparison.
    written: Value,
    candidate: Arc<Candidate>,
}

impl HeldCandidates {
    /// Puts `tried` beside `live`. Reuses the candidate of `before` if nothing differs.
    ///
    /// # Errors
    ///
    /// The candidate cannot stand in the place of the live interceptor.
    pub(super) fn beside(
        &mut self,
        before: &Self,
        live: Step,
        tried: Step,
        (interceptor, written): (&sandgate_config::Interceptor, &sandgate_config::Candidate),
    ) -> Result<Step, StepError> {
        let value = serde_json::to_value(interceptor).unwrap_or_default();
        let same = before.0.iter().find(|held| {
            held.written == value
                && Arc::ptr_eq(&held.live, live.interceptor())
                && Arc::ptr_eq(held.candidate.step().interceptor(), tried.interceptor())
        });
        let candidate = match same {
            Some(held) => held.candidate.clone(),
            None => Candidate::new(
                tried,
                written.share.fraction(),
                usize::try_from(written.queue).unwrap_or(usize::MAX),
            ),
        };
        self.0.push(Held {
            live: live.interceptor().clone(),
            written: value,
            candidate: candidate.clone(),
        });
        live.beside(candidate)
    }

    /// The candidates that `before` does not have.
    pub(super) fn new_since(&self, before: &Self) -> impl Iterator<Item = &Arc<Candidate>> {
        let known = |candidate: &Arc<Candidate>| {
            let mut held = before.0.iter();
            held.any(|held| Arc::ptr_eq(&held.candidate, candidate))
        };
        let all = self.0.iter().map(|held| &held.candidate);
        all.filter(move |candidate| !known(candidate))
    }
}
