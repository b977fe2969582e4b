//! What a policy masks, and what came from outside the configuration, is nowhere in logs, cache or state; and nobody
//! writes lines of the log but the gateway.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod faults;
mod forged;
mod masked;
mod outside;
mod servers;
mod stand;
mod talk;
