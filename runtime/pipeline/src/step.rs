//! One place in a chain: an interceptor, and the candidate that is tried beside it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Hook, Interceptor};

use crate::bound::{BoundInterceptor, StepError};
use crate::candidate::Candidate;
use crate::step_config::StepConfig;

/// An interceptor in its place, and its candidate. Cheap to clone except for its scope.
#[derive(Clone, Debug)]
pub struct Step {
    bound: BoundInterceptor,
    candidate: Option<Arc<Candidate>>,
}

impl Step {
    /// Puts an interceptor in its place, without a candidate.
    ///
    /// # Errors
    ///
    /// The interceptor's plugin cannot stand there.
    pub fn new(
        name: &str,
        interceptor: Arc<dyn Interceptor>,
        place: StepConfig,
    ) -> Result<Self, StepError> {
        Ok(Self {
            bound: BoundInterceptor::new(name, interceptor, place)?,
            candidate: None,
        })
    }

    /// The same place with another interceptor and another timeout, and without the candidate, to replay a call later.
    /// The interceptor must have the same hooks.
    #[must_use]
    pub fn with(&self, interceptor: Arc<dyn Interceptor>, timeout: Duration) -> Self {
        Self {
            bound: self.bound.with(interceptor, timeout),
            candidate: None,
        }
    }

    /// Tries a candidate beside the interceptor.
    ///
    /// # Errors
    ///
    /// The candidate lacks a hook at which the interceptor looks: live, it would leave that hook unguarded.
    pub fn beside(mut self, candidate: Arc<Candidate>) -> Result<Self, StepError> {
        let mut hooks = [Hook::PreCall, Hook::PostCall].into_iter();
        let lacks =
            |hook: &Hook| self.role(*hook).is_some() && candidate.step().role(*hook).is_none();
        if let Some(hook) = hooks.find(lacks) {
            return Err(StepError::Candidate {
                name: self.name().to_string(),
                hook,
            });
        }
        self.candidate = Some(candidate);
        Ok(self)
    }

    /// The candidate that is tried beside the interceptor.
    pub fn candidate(&self) -> Option<&Arc<Candidate>> {
        self.candidate.as_ref()
    }
}

impl From<Step> for BoundInterceptor {
    fn from(step: Step) -> Self {
        step.bound
    }
}

impl Deref for Step {
    type Target = BoundInterceptor;

    fn deref(&self) -> &BoundInterceptor {
        &self.bound
    }
}
