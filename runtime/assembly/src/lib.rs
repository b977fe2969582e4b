//! Assembles what runs from a configuration: the host, every plugin prepared, every server known, in one edition, or
//! nothing at all.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod assembler;
mod authorization;
pub mod builtin;
mod candidate_runner;
mod candidates;
mod certificates;
mod changeable;
mod containers;
mod containment;
mod cover;
mod doubts;
mod given;
mod guarded;
pub mod host_setup;
pub mod inspect;
mod order;
pub mod packaged;
mod packages;
mod plugins;
mod programs;
mod remote_plugin;
mod secrets;
mod servers;
mod signer;
mod unloaded;
mod users;

pub use assembler::{Assembled, Assembler, document_limits, views};
pub use packages::{engine, no_store, store};
pub use plugins::{DEFAULT_TIMEOUT, Loading};
pub use remote_plugin::{MAX_PLUGIN, RemotePlugin, remote_plugin_file};
pub use servers::servers_apart;
pub use signer::signer;
