//! The servers behind the gateway: how each is reached, what it was last seen to offer, and the conversations with it.
//!
//! It knows nothing of the clients, of the pipeline, or of what a message means beyond where it must go.

mod answer;
mod audience;
mod availability;
mod catalogue;
mod check;
mod connect;
mod conversation;
mod definitions;
mod demux;
mod error;
mod facts;
mod fetch;
mod health;
pub(crate) mod http;
mod lookalikes;
mod probe;
mod server;
mod server_config;
mod share;
mod stdio;
#[cfg(test)]
mod tests;
mod transport;
mod watch;

pub use answer::{Answer, Body, ServerEvent, ServerEvents};
pub use audience::Asker;
pub use availability::Availability;
pub use conversation::Conversation;
pub use definitions::Definitions;
pub use error::ServerError;
pub(crate) use error::hints_at_absence;
pub use facts::Eras;
pub use health::{Failure, Health};
pub use lookalikes::Lookalikes;
pub use server::Server;
pub use server_config::ServerConfig;
pub use share::Share;
pub use transport::Transport;
