//! An operator's day with a gateway that runs.
#![allow(clippy::unwrap_used)]

mod alerts;
mod allowed;
mod asking;
mod audit;
mod authorization;
mod call_log;
mod console;
mod drills;
mod egress;
mod every_key;
mod memory;
mod own_log;
mod packaged;
mod production;
mod rotate;
mod stage;
mod state_file;
mod stops;
mod views;
mod why;
