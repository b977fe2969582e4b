//! The endpoints of the gateway.

use std::sync::Arc;

/// An endpoint that a client connects to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/mcp`: all servers, whose names prefix the names of their tools and prompts.
    Merged,
    /// `/mcp/NAME`: one server, with its own names.
    Server(Arc<str>),
}
