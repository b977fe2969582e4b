//! What is wrong is refused where it comes in, with words that help, and without harm to anything else.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod config;
mod containment;
mod egress;
mod merged;
mod plugins;
mod record;
mod servers;
mod wire;
