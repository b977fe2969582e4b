//! How operators reach a running gateway: a Unix socket that only its owner can use, and one question a connection.
//!
//! It knows who may ask and how; what is answered is the business of those who are asked.

mod client;
mod handler;
mod listener;
mod protocol;
mod socket;

pub use client::{AskError, ask};
pub(crate) use handler::{Handler, RunContext};
pub(crate) use listener::{AT_A_TIME, serve};
pub use protocol::Ask;
pub(crate) use socket::AdminListener;
pub use socket::{SocketError, SocketPath};
