//! What a gateway tells of itself: its own log, the log of calls, metrics, traces, and what is wrong with it.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod call_log;
pub mod conditions;
pub mod logging;
pub mod matched_values;
pub mod metrics;
pub mod recent_calls;
mod refusal_codes;
pub mod traces;
