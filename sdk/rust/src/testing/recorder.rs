//! What the hooks of this thread's test reported.

use std::cell::RefCell;

use crate::bindings::contract::report::Finding;
use crate::log::Level;

thread_local! {
    static FINDINGS: RefCell<Vec<Finding>> = const { RefCell::new(Vec::new()) };
    static LOGS: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// The findings since the last time anybody asked.
pub fn findings() -> Vec<Finding> {
    FINDINGS.with_borrow_mut(std::mem::take)
}

/// The rules of [`findings`].
pub fn rules() -> Vec<String> {
    findings().into_iter().map(|finding| finding.rule).collect()
}

/// The log lines since the last time anybody asked.
pub fn logs() -> Vec<(Level, String)> {
    LOGS.with_borrow_mut(std::mem::take)
}

pub(crate) fn record_finding(finding: Finding) {
    FINDINGS.with_borrow_mut(|findings| findings.push(finding));
}

pub(crate) fn record_log(level: Level, message: &str) {
    LOGS.with_borrow_mut(|logs| logs.push((level, message.into())));
}
