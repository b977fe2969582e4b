//! An MCP gateway whose every policy is a sandboxed WebAssembly component.

pub mod args;
pub mod assembly;
pub mod builtin;
pub mod check;
pub mod config;
pub mod control;
pub mod demo;
pub mod events;
pub mod house;
pub mod inspect;
pub mod record;
pub mod reload;
pub mod schema;
pub mod serve;
pub mod snippet;
pub mod table;
pub mod telemetry;
pub mod watch;
