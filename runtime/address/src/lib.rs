//! Hosts and addresses: names in one spelling, public addresses told from others, lists of allowed hosts.
//!
//! This crate opens no connection and resolves no name. Plugins' requests and servers' connections are judged by it.

mod allowed;
mod host_name;
mod loopback;
mod public_ip;

pub use allowed::{AllowedHost, AllowedHostError, Listed, listed};
pub use host_name::{Host, HostError};
pub use loopback::is_loopback;
pub use public_ip::{is_metadata, is_public};
