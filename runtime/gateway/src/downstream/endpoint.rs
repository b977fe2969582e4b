//! What a client connects to.

use std::sync::Arc;

/// Where a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/mcp`: all servers, their names before the names of their tools and prompts.
    Merged,
    /// `/mcp/NAME`: one server, as it is.
    Server(Arc<str>),
}
