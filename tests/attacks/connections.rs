//! Connections that cost the gateway and not the client.
