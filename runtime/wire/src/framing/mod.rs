//! Framing of messages in byte streams: server-sent events and lines.

pub mod lines;
pub mod sse;
