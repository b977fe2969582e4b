//! Classes of attack that have been published for MCP clients, servers and gateways.
