//! What a gateway reports of itself: its own log, the call log, metrics, traces, and its conditions.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

mod accept;
mod attribute;
pub mod call_log;
pub mod conditions;
mod export_counts;
pub mod http_client;
pub mod logging;
pub mod matched_values;
pub mod metrics;
pub mod otlp;
pub mod recent_calls;
pub mod recent_connections;
mod refusal_codes;
pub mod syslog;
pub mod traces;
pub mod traffic;

pub use accept::accept;
