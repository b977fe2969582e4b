//! Who is told of calls: the call log, observers (metrics, traces) and captures. Only a failed write to the call log can
//! stop a call; an observer never affects one.
//!
//! This crate says what a record is and when one is written. It knows no file, no server and no client.

mod access_log;
mod arrival;
mod call_id;
mod call_log;
mod capture;
mod notification_budget;
mod observer;
mod recorder;
mod refused;

pub use access_log::OnUnwritten;
pub use arrival::Arrival;
pub use call_id::new_id;
pub use call_log::{CallLog, CallLogError, Decision, Ended, Forwarded, LeftOut, RefusedBy};
pub use capture::{CapturedCall, NestedCalls, NestedRun, SharedNestedRuns};
pub use notification_budget::NotificationBudget;
pub use observer::{CallTimings, Figures, Observer};
pub use recorder::CallRecorder;
