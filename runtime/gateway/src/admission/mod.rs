//! Who may use how much of what callers share: connections, sessions, requests, a server's places and children, memory,
//! processors.
//!
//! Each is a [`Quota`]: a bound for all, and a fair share for each [`Account`](sandgate_message::Account), so that one
//! caller at its limits leaves room for every other. Nothing here waits for a caller, and nothing is kept of an account
//! that uses nothing. What policies compute is behind a [`Gate`]: there calls wait, since processors are soon free again.

pub(crate) mod address;
mod connections;
mod gate;
mod rate;

pub use address::TrustedProxies;
pub(crate) use connections::{BUFFERS, Connection, Connections};
pub(crate) use gate::{Gate, Overloaded};
pub(crate) use rate::Rate;
pub(crate) use sandgate_upstream::{Budget, MemoryError, Permit, Quota};
pub(crate) use sandgate_upstream::{CollectError, collect};

use std::sync::Arc;

use crate::config::GatewayConfig;

/// Everything that clients share.
pub(crate) struct Admission {
    pub(crate) connections: Arc<Connections>,
    /// HTTP requests under way, those that listen aside.
    pub(crate) requests: Arc<Quota>,
    /// Streams on which clients listen.
    pub(crate) listeners: Arc<Quota>,
    /// Bytes of messages.
    pub(crate) memory: Arc<Quota>,
}

impl Admission {
    /// Within these bounds.
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let memory = Quota::new(config.max_memory);
        let proxies = config.trusted_proxies.clone();
        Self {
            connections: Connections::new(config.max_connections, memory.clone(), proxies),
            requests: Quota::new(config.max_requests),
            listeners: Quota::new(config.max_listeners),
            memory,
        }
    }
}
