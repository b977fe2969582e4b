//! What is written and counted of calls: the call log, observers (metrics, traces), captures of whole calls. Nothing here
//! decides what becomes of a call.

pub(crate) mod access_log;
pub(crate) mod call_log;
pub(crate) mod capture;
pub(crate) mod notification_budget;
pub(crate) mod observer;
pub(crate) mod recorder;
