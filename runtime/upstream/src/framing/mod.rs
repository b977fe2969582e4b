//! Bytes to whole messages and back: server-sent events and lines. Knows nothing of who speaks.

pub mod lines;
pub mod sse;
