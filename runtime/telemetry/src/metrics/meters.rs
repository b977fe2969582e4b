//! The counters of one server and of one interceptor. Their labels are fixed: a client's text never makes one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sandgate_egress::{Connection, Verdict};
use sandgate_gateway::{CallTimings, Decision, Ended};
use sandgate_message::{Hook, Method};
use sandgate_pipeline::{self as pipeline, Mode, TrailEntry};

use super::histogram::{CALLS, Histogram, RUNS};
use crate::refusal_codes::{self, RefusalCodes};

/// The label of all methods that the protocol does not have.
const OTHER: &str = "other";

/// The methods of the protocol, and the one label of all others.
pub(super) static METHODS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let known = Method::known().map(|method| method.name);
    known.chain([OTHER]).collect()
});

/// The outcomes of a call, as the call log spells them.
pub(super) const OUTCOMES: [&str; 6] = [
    "forwarded",
    "refused",
    "answered",
    "failed",
    "overloaded",
    "cancelled",
];
/// The codes of the gateway's own rules that refuse calls.
pub(super) const RULES: [&str; 6] = [
    "view.denied",
    "view.not-allowed",
    "stop.server",
    "stop.client",
    "stop.tool",
    "stop.plugin",
];
/// The hooks.
pub(super) const HOOKS: [&str; 2] = ["pre-call", "post-call"];
/// The modes.
pub(super) const MODES: [&str; 2] = ["active", "audit"];
/// The decisions of a hook run, as the call log spells them.
pub(super) const DECISIONS: [&str; 6] = ["proceed", "edit", "replace", "refuse", "answer", "fault"];
/// The kinds of failure, as the call log spells them.
pub(super) const FAULTS: [&str; 8] = [
    "load",
    "trap",
    "deadline",
    "overload",
    "memory",
    "quota",
    "malformed",
    "own-error",
];

/// The label of a method: its own name if the protocol has it, else the label of all others.
pub(crate) fn method_label(method: &str) -> &'static str {
    METHODS[place_of(method)]
}

fn place_of(method: &str) -> usize {
    let known = METHODS.iter().position(|known| *known == method);
    known.unwrap_or(METHODS.len() - 1)
}

/// The calls to or from one server, by method.
#[derive(Debug)]
pub(super) struct ServerMeters {
    pub(super) methods: Box<[MethodMeters]>,
    /// Connections of its program that have ended, by verdict.
    pub(super) egress: [AtomicU64; Verdict::ALL.len()],
    /// Bytes of these: from the program, and to it.
    pub(super) egress_bytes: [AtomicU64; 2],
}

/// The calls of one method.
#[derive(Debug)]
pub(super) struct MethodMeters {
    /// Calls by outcome.
    pub(super) calls: [AtomicU64; OUTCOMES.len()],
    /// Replies that are JSON-RPC errors, as their requesters get them.
    pub(super) errors: AtomicU64,
    /// The time from a message's arrival to when its reply was sent.
    pub(super) whole: Histogram<{ CALLS.len() }>,
    /// The time from when a message was forwarded to when its reply came.
    pub(super) beyond: Histogram<{ CALLS.len() }>,
}

/// The runs of one interceptor.
#[derive(Debug)]
pub(super) struct InterceptorMeters {
    /// Runs by hook, mode and decision.
    pub(super) runs: [[[AtomicU64; DECISIONS.len()]; MODES.len()]; HOOKS.len()],
    pub(super) codes: RefusalCodes,
    /// Refusals by code, the last for all other codes, and by mode.
    pub(super) refusals: [[AtomicU64; MODES.len()]; refusal_codes::MOST + 1],
    /// Faults by kind.
    pub(super) faults: [AtomicU64; FAULTS.len()],
    /// Run times by hook.
    pub(super) took: [Histogram<{ RUNS.len() }>; HOOKS.len()],
}

impl ServerMeters {
    pub(super) fn new() -> Self {
        let one = |_| MethodMeters {
            calls: Default::default(),
            errors: AtomicU64::new(0),
            whole: Histogram::new(&CALLS),
            beyond: Histogram::new(&CALLS),
        };
        Self {
            methods: METHODS.iter().map(one).collect(),
            egress: Default::default(),
            egress_bytes: Default::default(),
        }
    }

    pub(super) fn connection(&self, connection: &Connection) {
        let place = Verdict::ALL
            .iter()
            .position(|one| *one == connection.verdict);
        if let Some(place) = place {
            one_more(&self.egress[place]);
        }
        for (counter, bytes) in self
            .egress_bytes
            .iter()
            .zip([connection.up, connection.down])
        {
            counter.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        let meters = &self.methods[place_of(&record.call.method)];
        one_more(&meters.calls[outcome(record.decision)]);
        if record.failed {
            one_more(&meters.errors);
        }
        let recorded = timings.trace.filter(|trace| trace.call.sampled());
        let call = recorded.map(|trace| trace.call);
        meters.whole.count(timings.replied - timings.received, call);
        if let (Some(went), Some(returned)) = (timings.forwarded, timings.answered) {
            meters.beyond.count(returned - went, call);
        }
    }
}

impl InterceptorMeters {
    pub(super) fn new() -> Self {
        Self {
            runs: Default::default(),
            codes: RefusalCodes::default(),
            refusals: std::array::from_fn(|_| Default::default()),
            faults: Default::default(),
            took: std::array::from_fn(|_| Histogram::new(&RUNS)),
        }
    }

    pub(super) fn ran(&self, entry: &TrailEntry) {
        if entry.asked.is_none() {
            return;
        }
        let (hook, mode, decision) = (hook(entry.hook), mode(entry.mode), decision(entry.decision));
        one_more(&self.runs[hook][mode][decision]);
        self.took[hook].count(Duration::from_micros(entry.us), None);
        if let Some(code) = &entry.code {
            one_more(&self.refusals[self.codes.place(code)][mode]);
        }
        let kind = entry
            .failure
            .and_then(|kind| FAULTS.iter().position(|known| *known == kind));
        if let Some(kind) = kind {
            one_more(&self.faults[kind]);
        }
    }
}

pub(super) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn outcome(decision: Decision) -> usize {
    match decision {
        Decision::Forwarded => 0,
        Decision::Refused => 1,
        Decision::Answered => 2,
        Decision::Failed => 3,
        Decision::Overloaded => 4,
        Decision::Cancelled => 5,
    }
}

/// The outcome of a call, as the call log spells it.
pub(crate) fn outcome_label(decision: Decision) -> &'static str {
    OUTCOMES[outcome(decision)]
}

fn hook(hook: Hook) -> usize {
    match hook {
        Hook::PreCall => 0,
        Hook::PostCall => 1,
    }
}

fn mode(mode: Mode) -> usize {
    match mode {
        Mode::Active => 0,
        Mode::Audit => 1,
    }
}

/// The mode, as the configuration spells it.
pub(crate) fn mode_label(of: Mode) -> &'static str {
    MODES[mode(of)]
}

fn decision(decision: pipeline::Decision) -> usize {
    match decision {
        pipeline::Decision::Proceed => 0,
        pipeline::Decision::Edit => 1,
        pipeline::Decision::Replace => 2,
        pipeline::Decision::Refuse => 3,
        pipeline::Decision::Answer => 4,
        pipeline::Decision::Fault => 5,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Failure;

    use super::*;

    #[test]
    fn labels_are_the_words_of_the_call_log() {
        let all = [
            Decision::Forwarded,
            Decision::Refused,
            Decision::Answered,
            Decision::Failed,
            Decision::Overloaded,
            Decision::Cancelled,
        ];
        for of in all {
            assert_eq!(serde_json::to_value(of).unwrap(), outcome_label(of));
        }
        use pipeline::Decision::{Answer, Edit, Fault, Proceed, Refuse, Replace};
        for of in [Proceed, Edit, Replace, Refuse, Answer, Fault] {
            assert_eq!(of.as_str(), DECISIONS[decision(of)]);
        }
        for of in [Hook::PreCall, Hook::PostCall] {
            assert_eq!(of.as_str(), HOOKS[hook(of)]);
        }
        for of in [Mode::Active, Mode::Audit] {
            assert_eq!(serde_json::to_value(of).unwrap(), mode_label(of));
        }
        let text = String::new;
        let kinds = [
            Failure::Load(text()),
            Failure::Trap {
                reason: text(),
                frames: Vec::new(),
                detail: text(),
            },
            Failure::deadline(Duration::ZERO),
            Failure::Overload(""),
            Failure::Memory(0),
            Failure::Quota(""),
            Failure::Malformed(text()),
            Failure::Own {
                kind: text(),
                frames: Vec::new(),
                detail: text(),
            },
        ];
        assert_eq!(kinds.map(|failure| failure.kind()), FAULTS);
    }

    #[test]
    fn what_the_protocol_does_not_have_is_other() {
        assert_eq!(method_label("tools/call"), "tools/call");
        for method in ["tools/call ", "secret", "", "other"] {
            assert_eq!(method_label(method), OTHER);
        }
    }
}
