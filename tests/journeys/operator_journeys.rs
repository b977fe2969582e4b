//! An operator's days: configuration, reloads, candidates, recordings, telemetry, and what is wrong with each of them.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bad_input;
mod candidate;
mod changes;
mod operator;
mod policies;
mod recorded;
mod reload;
mod supply;
mod telemetry;
