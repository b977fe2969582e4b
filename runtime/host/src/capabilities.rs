//! The capabilities of one interceptor: its grants, its state and its limits.

use std::sync::Arc;

use sandgate_message::Limits;

use crate::grants::ResolvedGrants;
use crate::simulation::Simulation;
use crate::state::table::Table;

/// The capabilities that all runs of one interceptor share.
#[derive(Clone)]
pub(crate) struct Capabilities {
    /// The interceptor's name in log lines.
    pub(crate) interceptor: Arc<str>,
    pub(crate) grants: ResolvedGrants,
    /// The interceptor's own key, 64 hex digits. `None` without a state file.
    pub(crate) key: Option<Arc<str>>,
    /// The state that a live run reads and writes.
    pub(crate) state: Arc<Table>,
    /// The state of runs that must leave no trace ([`HookRequest::shadow`](sandgate_message::HookRequest::shadow)).
    pub(crate) shadow: Arc<Table>,
    /// Bytes of one linear memory.
    pub(crate) memory: u64,
    /// Bounds of the documents that a run returns.
    pub(crate) document: Limits,
    /// Logs a failed run at level `debug` instead of `warn`. A candidate's failures are counted elsewhere, and a failed
    /// smoke call is reported as the error of preparing.
    pub(crate) quiet: bool,
    /// Replaces clock, randomness, network and state in an author's tests. `None`: a live run.
    pub(crate) simulation: Option<Arc<Simulation>>,
}

impl Capabilities {
    /// The same capabilities in a simulation, with the state of the simulation where it has one.
    pub(crate) fn with_simulation(&self, simulation: Arc<Simulation>) -> Arc<Self> {
        let mut capabilities = self.clone();
        if let Some(state) = &simulation.state {
            capabilities.state = state.table(&self.interceptor);
            capabilities.shadow = capabilities.state.clone();
        }
        capabilities.simulation = Some(simulation);
        Arc::new(capabilities)
    }
}
