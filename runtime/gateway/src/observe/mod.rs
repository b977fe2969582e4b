//! Recording and counting of calls: the call log, observers (metrics, traces) and captures. An observer never affects a
//! call; only a failed write to the call log can stop one.

pub(crate) mod access_log;
pub(crate) mod call_log;
pub(crate) mod capture;
pub(crate) mod notification_budget;
pub(crate) mod observer;
pub(crate) mod recorder;
