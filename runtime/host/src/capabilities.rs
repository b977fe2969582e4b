//! What all runs of one interceptor share: its grants, its state, its limits.

use std::sync::Arc;

use sandgate_message::Limits;

use crate::grants::ResolvedGrants;
use crate::simulation::Simulation;
use crate::state::table::Table;

/// What all runs of one interceptor share.
#[derive(Clone)]
pub(crate) struct Capabilities {
    pub(crate) interceptor: Arc<str>,
    pub(crate) grants: ResolvedGrants,
    pub(crate) state: Arc<Table>,
    pub(crate) shadow: Arc<Table>,
    pub(crate) memory: u64,
    pub(crate) document: Limits,
    /// What goes wrong in a run is no news for the operator's log: a candidate's is counted, and a smoke call's is the
    /// error of preparing, or means nothing.
    pub(crate) quiet: bool,
    /// Instead of the world, in an author's tests.
    pub(crate) simulation: Option<Arc<Simulation>>,
}

impl Capabilities {
    /// The same in a simulation, which gives what is remembered and what the world answers.
    pub(crate) fn on(&self, simulation: Arc<Simulation>) -> Arc<Self> {
        let mut capabilities = self.clone();
        if let Some(state) = &simulation.state {
            capabilities.state = state.table(&self.interceptor);
            capabilities.shadow = capabilities.state.clone();
        }
        capabilities.simulation = Some(simulation);
        Arc::new(capabilities)
    }
}
