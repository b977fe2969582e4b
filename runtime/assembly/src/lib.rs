//! Assembles what runs from a configuration: the host, every plugin prepared, every server known, in one edition, or
//! nothing at all.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod around;
mod assembled;
mod assembler;
mod authorization;
pub mod builtin;
mod candidate_runner;
mod candidates;
mod certificates;
mod changeable;
mod clients;
mod containers;
mod containment;
mod cover;
mod document_limits;
mod doubts;
mod given;
mod guarded;
pub mod host_setup;
mod idle;
pub mod inspect;
mod order;
pub mod package;
mod package_store;
pub mod packaged;
mod packages;
mod plugins;
mod prepared;
mod programs;
mod remote_plugin;
mod secrets;
mod servers;
mod signer;
mod step;
mod unloaded;
mod users;
mod views;
mod warning;

pub use assembled::Assembled;
pub use assembler::Assembler;
pub use document_limits::document_limits;
pub use package_store::{no_store, store};
pub use packages::engine;
pub use plugins::Loading;
pub use prepared::DEFAULT_TIMEOUT;
pub use remote_plugin::{MAX_PLUGIN, RemotePlugin, remote_plugin_file};
pub use servers::servers_apart;
pub use signer::signer;
pub use views::views;
