//! A test for each numbered rule of the way in (see the module documentation of `enter`).
#![allow(clippy::unwrap_used)]

mod answers;
mod audit;
mod faults;
mod order;
mod redaction;
mod scope;
mod targets;

use crate::{Decision, Trail};

fn words(trail: &Trail) -> Vec<(&str, Decision, bool)> {
    trail
        .entries
        .iter()
        .map(|entry| (&*entry.interceptor, entry.decision, entry.applied))
        .collect()
}

fn finding() -> sandgate_message::Finding {
    sandgate_message::Finding {
        rule: "pii.email".into(),
        severity: sandgate_message::Severity::Warn,
        part: sandgate_message::Part::Params,
        pointer: Some("/arguments/n".into()),
        message: "an address".into(),
        details: None,
    }
}
