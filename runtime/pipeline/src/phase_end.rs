//! How a phase of hook runs ends early.

use crate::nested::NestedRefusal;
use crate::refusal::RefusalCause;

/// The step that ended a phase early, and why.
#[derive(Clone, Debug)]
pub(crate) struct StepRefusal {
    /// The step's place in the chain.
    pub(crate) step: usize,
    pub(crate) cause: RefusalCause,
}

/// How a phase ended early.
pub(crate) enum PhaseEnd {
    /// An interceptor of the phase ended it.
    Step(StepRefusal),
    /// A message nested in the document ended it.
    Nested(NestedRefusal),
}

impl From<StepRefusal> for PhaseEnd {
    fn from(stop: StepRefusal) -> Self {
        Self::Step(stop)
    }
}
