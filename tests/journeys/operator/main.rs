//! An operator's day with a gateway that runs.
#![allow(clippy::unwrap_used)]

mod asking;
mod stage;
mod why;
