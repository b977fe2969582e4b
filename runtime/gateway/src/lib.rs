//! MCP on the wire: clients, servers, sessions, and the exchange between them.
