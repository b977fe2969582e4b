//! Clients and servers of the real world, as they meet through the gateway.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod clients;
mod contained;
mod edits;
mod ends;
mod fidelity;
mod inspector;
mod questions;
mod real_parts;
mod sdks;
mod streams;
