//! The gateway from a client's side: real sockets and child processes, native interceptors, small servers that say what
//! a test makes them say.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

mod access;
mod client;
mod eras;
mod every_message;
mod fidelity;
mod floods;
mod headers;
mod house;
mod keys;
mod line;
mod log;
mod malformed;
mod merged;
mod modern;
mod policy;
mod questions;
mod reload;
mod rounds;
mod server;
mod sessions;
mod streams;
mod subscriptions;
mod tasks;
mod tokens;
mod watched;
