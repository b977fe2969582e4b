//! Drills: bounded rehearsals of a gateway's own configuration, with a report of what was stopped, noticed and not seen.
//!
//! A drill starts a second gateway in this process: the interceptors, clients, views and alerts as they are configured,
//! before a stand-in server. It touches no real server, and leaves nothing behind; what interceptors reach by their grants
//! is real. The running gateway is told that a drill began and ended; nothing else is asked of it.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start"
)]

mod advice;
mod cast;
mod client;
mod copy;
mod done;
mod drills;
mod error;
mod keep;
mod outside;
mod plan;
mod planted;
mod records;
mod rehearsal;
mod rehearse;
mod report;
mod report_file;
mod seen;
mod stand_in;
mod step;
mod sweep;

pub use advice::Advice;
pub use error::DrillError;
pub use outside::reached;
pub use plan::{DISTURBS, Drill, Plan, Wanted};
pub use report::Report;
pub use report_file::ReportFile;
pub use step::{Step, Verdict};
pub use sweep::sweep;
