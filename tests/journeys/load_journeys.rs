//! Many clients, and a long time.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod crowd;
mod overload;
mod soak;
