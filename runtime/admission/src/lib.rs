//! Fair shares of what clients share: connections, requests, listening streams, memory, rates, and turns with the
//! policies.
//!
//! Each share is a [`Quota`]: a bound for all, and a fair share for each [`Account`](sandgate_message::Account), so that
//! a caller at its limits leaves room for every other. No request waits for a quota, and a quota keeps nothing about an
//! account that uses nothing. Policies run behind a [`Gate`], at which calls do wait, since processors are soon free
//! again. This crate knows no MCP, no server and no policy.

mod address;
mod connections;
mod gate;
mod guesses;
mod rate;

use std::sync::Arc;

use sandgate_wire::Quota;

pub use address::TrustedProxies;
pub use connections::{Active, BUFFERS, Connection, Connections, Open};
pub use gate::{Gate, Overloaded};
pub use guesses::Guesses;
pub use rate::Rate;

/// The bounds of what clients share, each for all clients together.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The most open connections.
    pub connections: usize,
    /// The most HTTP requests in flight, without listening ones.
    pub requests: usize,
    /// The most listening streams.
    pub listeners: usize,
    /// The most bytes of messages.
    pub memory: usize,
    /// The proxies that are trusted to name the addresses of callers.
    pub proxies: TrustedProxies,
}

/// The resources that clients share.
pub struct Admission {
    /// The open connections.
    pub connections: Arc<Connections>,
    /// HTTP requests in flight, without listening ones.
    pub requests: Arc<Quota>,
    /// Listening streams.
    pub listeners: Arc<Quota>,
    /// The bytes of messages.
    pub memory: Arc<Quota>,
    /// Refused messages with values that the gateway keeps.
    pub guesses: Guesses,
}

impl Admission {
    /// Creates the quotas with these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let memory = Quota::new(bounds.memory);
        Self {
            connections: Connections::new(bounds.connections, memory.clone(), bounds.proxies),
            requests: Quota::new(bounds.requests),
            listeners: Quota::new(bounds.listeners),
            memory,
            guesses: Guesses::default(),
        }
    }
}
