//! A plugin that is ready to be asked.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Interceptor, Limits};

/// The timeout of a hook run if neither the operator nor the author sets one.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(50);

/// A plugin ready to be put in its place.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) interceptor: Arc<dyn Interceptor>,
    /// The author's timeout, or the default.
    pub(super) timeout: Duration,
    pub(super) key: Option<Key>,
    /// The candidate that is tried beside the plugin.
    pub(super) candidate: Option<Box<Prepared>>,
}

/// Everything that a prepared plugin depends on.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) settings: serde_json::Value,
    pub(crate) outside: Vec<String>,
    pub(crate) grants: sandgate_config::Grants,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) memory: Option<u64>,
    pub(crate) concurrency: u32,
    pub(crate) document: Limits,
    pub(crate) fault_detail: bool,
}
