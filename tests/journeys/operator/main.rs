//! An operator's day with a gateway that runs.
#![allow(clippy::unwrap_used)]

mod asking;
mod own_log;
mod stage;
mod why;
