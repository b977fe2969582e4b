//! Order, scope and failure policy of the interceptors: which of them look at a message, in what order, on which bytes,
//! and what their decisions and failures mean for it. Candidates are compared with the live interceptors here too.
//!
//! The crate knows no WebAssembly, socket, timer or configuration file. An interceptor is the `Interceptor` trait of
//! `sandgate-message` and keeps its own deadline. Chains are built by whoever read the configuration.

mod admitted;
mod apply;
mod audit_runs;
mod bound;
mod candidate;
mod chain;
mod comparison;
mod enter;
mod globs;
mod hook_phase;
mod hook_run;
mod nested;
mod notes;
mod phase_end;
mod raw_json;
mod redaction;
mod refusal;
mod scope;
mod step;
mod step_config;
mod stopped;
mod trail;
mod trial;

#[cfg(test)]
mod testing;

pub use admitted::{Admitted, Continuation, FilteredReply};
pub use apply::{DecisionRules, Judged};
pub use bound::{BoundInterceptor, StepError};
pub use candidate::{Candidate, HELD};
pub use chain::Chain;
pub use comparison::{Counts, Difference, Pair, Results};
pub use enter::Admission;
pub use globs::{GlobError, Globs};
pub use nested::{NestedMessages, NestedOutcome, NestedRefusal};
pub use redaction::Redaction;
pub use refusal::{Interrupted, RefusalStyle};
pub use scope::{KnownNames, Scope, UnusedPattern};
pub use step::Step;
pub use step_config::{Mode, Origin, Sees, StepConfig};
pub use stopped::StoppedPlugins;
pub use trail::{Decision, Malfunction, Trail, TrailEntry};
pub use trial::Aspect;
