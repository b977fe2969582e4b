//! A running gateway: started from its configuration, reloaded when files change, asked by operators over its admin
//! socket, and stopped.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod actor;
pub mod admin;
mod call_log;
pub mod call_span;
pub mod calls;
pub mod candidate;
mod connections;
pub mod digest;
pub mod drills;
mod glimpse;
pub mod invitation;
mod keep_current;
pub mod locate;
mod lookout;
mod memory;
pub mod operator;
mod reload;
pub mod reload_report;
mod restart;
mod running;
mod signals;
mod start;
pub mod status;
pub mod stops;
pub mod watch;

pub use call_log::check_call_log;
pub use running::{Running, Transport};
pub use signals::until_told;
pub use start::start;
