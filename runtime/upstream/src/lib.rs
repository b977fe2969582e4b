//! The upstream side: the servers behind the gateway, how each is reached, what each offers, and conversations with it.
//!
//! This crate knows nothing about clients or the pipeline, and interprets a message only as far as its routing
//! requires.

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
mod http;
mod lookalikes;
mod own_request;
mod probe;
mod redacted;
mod server;
mod server_config;
mod share;
mod stdio;
#[cfg(test)]
mod tests;
mod tools;
mod transport;
mod watch;

pub use answer::{Answer, Body, ServerEvent, ServerEvents};
pub use audience::Asker;
pub use availability::Availability;
pub use conversation::Conversation;
pub use definitions::Definitions;
pub use error::{ServerError, hints_at_absence};
pub use facts::Eras;
pub use health::{Failure, Health};
pub use http::event_id;
pub use lookalikes::Lookalikes;
pub use sandgate_secrets::Redactor;
pub use server::Server;
pub use server_config::ServerConfig;
pub use share::Share;
pub use transport::Transport;
