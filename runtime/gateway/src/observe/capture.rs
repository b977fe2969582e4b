//! A whole exchange, for somebody who takes calls down: what came, before any interceptor saw it, and what was decided.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use sandgate_message::{Call, CallId, Message};
use sandgate_pipeline::{Chain, Trail, TrailEntry};

use crate::observe::call_log::Decision;

/// One exchange. Its parts are shared with the call that made it: to hold one costs no copy.
#[derive(Debug)]
pub struct CapturedCall {
    /// Who called what, before any interceptor.
    pub call: Arc<Call>,
    /// When the message came.
    pub at: SystemTime,
    /// The request or notification as it came.
    pub message: Message,
    /// What the other side answered, as it came; none where it was not asked or did not answer.
    pub reply: Option<Message>,
    /// The chain that it entered.
    pub chain: Arc<Chain>,
    /// Who decided what.
    pub trail: Trail,
    /// What became of it.
    pub decision: Decision,
    pub(crate) nested_runs: SharedNestedRuns,
}

/// What is to be known of the messages that an exchange carries.
#[derive(Clone, Debug, Default)]
pub struct NestedMessages {
    /// It carries other messages, which interceptors judged by themselves, or begins a task.
    pub carries: bool,
    /// Who decided what about each of those, in the order in which they passed.
    pub runs: Vec<NestedRun>,
    /// The exchanges that it continues: what it answers was asked in one, the task that it is about was begun in one.
    pub follows: Vec<CallId>,
    /// It continues one that nobody took down.
    pub orphaned: bool,
}

/// A run of an interceptor over a message within another.
#[derive(Clone, Debug)]
pub struct NestedRun {
    /// The method of that message.
    pub method: Arc<str>,
    /// The run.
    pub entry: TrailEntry,
}

/// Filled while the exchange goes on.
pub(crate) type SharedNestedRuns = Arc<Mutex<NestedMessages>>;

impl CapturedCall {
    /// One that begins now.
    pub fn new(call: &Arc<Call>, message: &Message, chain: &Arc<Chain>) -> Self {
        Self {
            call: call.clone(),
            at: SystemTime::now(),
            message: message.clone(),
            reply: None,
            chain: chain.clone(),
            trail: Trail {
                version: chain.version(),
                entries: Vec::new(),
            },
            decision: Decision::Cancelled,
            nested_runs: SharedNestedRuns::default(),
        }
    }

    /// What it carries.
    pub fn carried(&self) -> NestedMessages {
        self.nested_runs.lock().clone()
    }
}

impl NestedMessages {
    /// It is about what another exchange began; none: nobody took that down.
    pub(crate) fn follow(&mut self, before: Option<&CallId>) {
        match before {
            None => self.orphaned = true,
            Some(id) if !self.follows.contains(id) => self.follows.push(id.clone()),
            Some(_) => {}
        }
    }
}
