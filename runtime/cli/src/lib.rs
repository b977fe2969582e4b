//! An MCP gateway whose every policy is a sandboxed WebAssembly component.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod admin;
pub mod args;
pub mod candidate;
pub mod check;
pub mod completions;
pub mod demo;
mod descriptors;
pub mod lookout;
pub mod operator;
pub mod outcome;
pub mod plugin;
pub mod promote;
pub mod reload;

mod restart;
pub mod serve;
pub mod status;
pub mod table;
pub mod terminal;
pub mod token;
pub mod watch;
pub mod why;
