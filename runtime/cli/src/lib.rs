//! An MCP gateway whose every policy is a sandboxed WebAssembly component.

pub mod args;
pub mod config;
pub mod schema;
pub mod snippet;
pub mod telemetry;
