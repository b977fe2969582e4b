//! What the hooks of this thread's test reported, within the gateway's bounds.

use std::cell::{Cell, RefCell};

use crate::bindings::contract::report::{Finding, Part, Severity};
use crate::log::Level;
use crate::testing::stop::{over, stop};

/// Findings of one run; one more says that the rest is left out.
const FINDINGS: usize = 256;
/// Bytes of one text of a finding, or of a line; the rest is cut off.
const TEXT: usize = 1 << 10;
/// Bytes of a finding's details.
const DETAILS: usize = 4 << 10;
/// Bytes of all lines of one run.
const LOG: usize = 32 << 10;

thread_local! {
    static FINDINGS_SEEN: RefCell<Vec<Finding>> = const { RefCell::new(Vec::new()) };
    static LOGS: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
    static LOGGED: Cell<usize> = const { Cell::new(0) };
}

/// The findings since the last time anybody asked, or since the last run began.
pub fn findings() -> Vec<Finding> {
    FINDINGS_SEEN.with_borrow_mut(std::mem::take)
}

/// The rules of [`findings`].
pub fn rules() -> Vec<String> {
    findings().into_iter().map(|finding| finding.rule).collect()
}

/// The log lines since the last time anybody asked, or since the last run began.
pub fn logs() -> Vec<(Level, String)> {
    LOGGED.set(0);
    LOGS.with_borrow_mut(std::mem::take)
}

/// A run begins: what the one before reported is forgotten.
pub(crate) fn begin() {
    drop((findings(), logs()));
}

pub(crate) fn record_finding(mut finding: Finding) {
    let before = FINDINGS_SEEN.with_borrow(Vec::len);
    if before > FINDINGS {
        return;
    }
    if before == FINDINGS {
        finding = Finding {
            rule: "sandgate.findings-cut".into(),
            severity: Severity::Warn,
            part: Part::Params,
            pointer: None,
            message: format!("more than {FINDINGS} findings; the rest is left out"),
            details: None,
        };
    }
    if finding
        .details
        .as_ref()
        .is_some_and(|text| text.len() > DETAILS)
    {
        stop(over("bytes of a finding's details"))
    }
    finding.rule = cut(&finding.rule);
    finding.message = cut(&finding.message);
    finding.pointer = finding.pointer.as_deref().map(cut);
    FINDINGS_SEEN.with_borrow_mut(|findings| findings.push(finding));
}

pub(crate) fn record_log(level: Level, message: &str) {
    if LOGGED.get() > LOG {
        return;
    }
    LOGGED.set(LOGGED.get() + message.len().min(TEXT) + 16);
    let line = match LOGGED.get() > LOG {
        true => "… (the rest of this run's log is left out)".into(),
        false => cut(message),
    };
    LOGS.with_borrow_mut(|logs| logs.push((level, line)));
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT)])
}
