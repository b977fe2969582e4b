//! Admission: fair shares of what callers share, namely connections, sessions, requests, a server's places and
//! children, memory and processors.
//!
//! Each is a [`Quota`]: a bound for all, and a fair share for each [`Account`](sandgate_message::Account), so that a
//! caller at its limits leaves room for every other. Here no request waits for a quota, and a quota keeps nothing about
//! an account that uses nothing. Policies run behind a [`Gate`], at which calls do wait, since processors are soon free
//! again.

pub(crate) mod address;
mod connections;
mod gate;
mod guesses;
mod rate;

pub use address::TrustedProxies;
pub(crate) use connections::{BUFFERS, Connection, Connections};
pub(crate) use gate::{Gate, Overloaded};
pub(crate) use guesses::Guesses;
pub(crate) use rate::Rate;
pub(crate) use sandgate_wire::{Budget, MemoryError, Permit, Quota};
pub(crate) use sandgate_wire::{CollectError, collect};

use std::sync::Arc;

use crate::config::GatewayConfig;

/// The resources that clients share.
pub(crate) struct Admission {
    pub(crate) connections: Arc<Connections>,
    /// HTTP requests in flight, without listening ones.
    pub(crate) requests: Arc<Quota>,
    /// Listening streams.
    pub(crate) listeners: Arc<Quota>,
    /// The bytes of messages.
    pub(crate) memory: Arc<Quota>,
    /// Refused messages with values that the gateway keeps.
    pub(crate) guesses: Guesses,
}

impl Admission {
    /// Creates the quotas with the configured bounds.
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let memory = Quota::new(config.max_memory);
        let proxies = config.trusted_proxies.clone();
        Self {
            connections: Connections::new(config.max_connections, memory.clone(), proxies),
            requests: Quota::new(config.max_requests),
            listeners: Quota::new(config.max_listeners),
            memory,
            guesses: Guesses::new(),
        }
    }
}
