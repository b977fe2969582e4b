//! An MCP gateway whose every policy is a sandboxed WebAssembly component.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod args;
pub mod check;
pub mod completions;
pub mod demo;
pub mod plugin;
pub mod promote;
mod rlimit;
pub mod run;

pub mod table;
pub mod terminal;
pub mod token;
pub mod why;
