//! Candidates of the configuration, beside the interceptors that they are tried against; one that did not change goes on
//! counting.

use std::sync::Arc;

use sandgate_message::Interceptor;
use sandgate_pipeline::{Candidate, Step, StepError};
use serde_json::Value;

/// Those of one edition.
#[derive(Clone, Default)]
pub(super) struct HeldCandidates(Vec<Held>);

#[derive(Clone)]
struct Held {
    /// What it is compared with.
    live: Arc<dyn Interceptor>,
    /// The whole interceptor, since scope and timeout belong to what is compared.
    written: Value,
    candidate: Arc<Candidate>,
}

impl HeldCandidates {
    /// Puts `tried` beside `live`: the one of `before` where nothing differs.
    ///
    /// # Errors
    /// It cannot stand in the place of the live one.
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

    /// Those that were not there before.
    pub(super) fn new_since(&self, before: &Self) -> impl Iterator<Item = &Arc<Candidate>> {
        let known = |candidate: &Arc<Candidate>| {
            let mut held = before.0.iter();
            held.any(|held| Arc::ptr_eq(&held.candidate, candidate))
        };
        let all = self.0.iter().map(|held| &held.candidate);
        all.filter(move |candidate| !known(candidate))
    }
}
