//! The state that all calls share.

use std::sync::Arc;

use crate::config::GatewayConfig;
use crate::nested::store::NestedStore;
use crate::registry::Registry;
use sandgate_observe::CallRecorder;

/// The state that all calls share.
pub(crate) struct Shared {
    pub(crate) config: GatewayConfig,
    pub(crate) registry: Arc<Registry>,
    pub(crate) recorder: Arc<CallRecorder>,
    /// The key that seals the cursors of merged lists. It is random and does not outlive the process.
    pub(crate) seal: [u8; 32],
    /// The state of nested messages.
    pub(crate) nested: NestedStore,
}
