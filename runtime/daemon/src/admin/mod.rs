//! The admin socket, on which operators reach a running gateway: a Unix socket that only its owner can use, with one
//! question for each connection.
//!
//! The module knows who may ask and how. The answers come from the other modules.

mod client;
mod handler;
mod listener;
mod protocol;
mod rotate;
mod server_status;
mod socket;

pub use client::{AskError, ask};
pub(crate) use handler::{Handler, ReloadRequest, RunContext};
pub(crate) use listener::{AT_A_TIME, serve};
pub use protocol::{Ask, RotateKind};
pub use rotate::RotateReport;
pub(crate) use socket::AdminListener;
pub use socket::{SocketError, SocketPath};
