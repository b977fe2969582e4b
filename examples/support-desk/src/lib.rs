//! A small MCP server to put a gateway in front of: a support desk with customers, tickets and a file tool, in both
//! protocol eras (2024-11-05 … 2025-11-25 with `initialize`, 2026-07-28 without), over stdio and Streamable HTTP.
//!
//! It is an ordinary server: it knows nothing of gateways and interceptors, gives out personal data to whoever asks,
//! follows `..` in a path, and deletes customers without asking twice. It keeps what it heard, word for word, so that
//! a demonstration or a test can show what reached it.

mod desk;
mod http;
mod protocol;
mod stdio;
mod tools;

pub use desk::{Desk, Seen};
pub use http::serve_http;
pub use protocol::Era;
pub use stdio::serve_stdio;
