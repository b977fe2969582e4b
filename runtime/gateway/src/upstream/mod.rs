//! The servers behind the gateway: how each is reached, what it was last seen to offer, and the conversations with it.
//!
//! It knows nothing of the clients, of the pipeline, or of what a message means beyond where it must go.

mod answer;
mod attribution;
mod audience;
mod availability;
mod backoff;
mod catalogue;
mod child;
mod conversation;
mod definitions;
mod error;
pub(crate) mod event_id;
mod events;
mod headers;
mod health;
mod http;
mod key;
mod lookalikes;
mod members;
mod metadata;
mod pipes;
mod probe;
mod process;
mod reaper;
mod remote;
mod routes;
mod routing;
mod server;
mod share;
mod shared_children;
mod shared_session;
mod shown_ids;
mod splice;
mod stdio;
mod table;
#[cfg(test)]
mod tests;
mod watch;

pub use answer::{Answer, Arrival, Arrivals, Body};
pub use audience::Asker;
pub use availability::Availability;
pub(crate) use availability::hints_at_absence;
pub use conversation::Conversation;
pub use definitions::Definitions;
pub use error::ServerError;
pub use health::{Failure, Health};
pub use lookalikes::Lookalikes;
pub use server::{Eras, Server, ServerConfig, Transport};
pub use share::Share;
