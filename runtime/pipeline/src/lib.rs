//! Order, scope and failure policy of the interceptors: which of them look at a message, in what order, on which bytes,
//! and what their decisions and failures mean for it; and what candidates beside them would have made of it.
//!
//! It knows no WebAssembly, no socket, no timer and no configuration file: an interceptor is the trait of
//! `sandgate-message` and keeps its own deadline; a chain is built by whoever read the configuration.

mod asked;
mod candidate;
mod chain;
mod comparison;
mod globs;
mod passage;
mod refusal;
mod round;
mod scope;
mod step;
mod trail;
mod trial;
mod verdict;
mod within;

#[cfg(test)]
mod testing;

pub use candidate::{Candidate, HELD};
pub use chain::{Chain, Entry};
pub use comparison::{Counts, Difference, Pair, Results};
pub use globs::{GlobError, Globs};
pub use passage::{Departure, Kept, Passage};
pub use refusal::RefusalStyle;
pub use scope::{Idle, Known, Scope};
pub use step::{Mode, Place, Sees, Step, StepError};
pub use trail::{Decision, Malfunction, Trail, TrailEntry};
pub use trial::Aspect;
pub use within::{Halt, Held, Through, Within};
