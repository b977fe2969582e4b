//! An MCP gateway whose every policy is a sandboxed WebAssembly component.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod add;
pub mod alerts;
pub mod args;
pub mod audit;
#[cfg(feature = "authoring")]
mod author;
pub mod call;
pub mod catalog;
pub mod check;
pub mod completions;
pub mod console;
#[cfg(feature = "demo")]
pub mod demo;
pub mod drill;
pub mod egress;
mod exit;
pub mod import;
pub mod init;
pub mod install;
pub mod lock;
pub mod manual;
pub mod pins;
pub mod plugin;
pub mod promote;
pub mod reached;
pub mod reload;
pub mod replay;
mod rlimit;
pub mod rotate;
pub mod run;
pub mod schema;
pub mod secret;
mod seen;
pub mod status;
pub mod stop;
mod supply;
mod table;
pub mod terminal;
pub mod token;
pub mod why;
