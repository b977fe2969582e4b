//! An MCP gateway whose every policy is a sandboxed WebAssembly component.

pub mod args;
pub mod assembly;
pub mod builtin;
pub mod config;
pub mod events;
pub mod house;
pub mod inspect;
pub mod reload;
pub mod schema;
pub mod snippet;
pub mod telemetry;
