//! What all exchanges share, and the servers they go to.

use std::sync::Arc;

use crate::config::GatewayConfig;
use crate::nested::store::NestedStore;
use crate::observe::recorder::CallRecorder;
use crate::registry::Registry;

/// What all exchanges share.
pub(crate) struct Shared {
    pub(crate) config: GatewayConfig,
    pub(crate) registry: Arc<Registry>,
    pub(crate) recorder: Arc<CallRecorder>,
    /// Seals what clients are given to bring back. Of this process alone.
    pub(crate) seal: [u8; 32],
    /// Messages within messages.
    pub(crate) nested: NestedStore,
}
