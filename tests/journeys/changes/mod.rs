//! What an operator changes while the gateway runs: a plugin's file, one interceptor among others, a server.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod interceptors;
mod plugins;
mod servers;
mod stage;
