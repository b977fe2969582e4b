//! Captures of whole calls: the message before any interceptor, the other side's reply, and the decisions.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use sandgate_message::{Call, CallId, Message};
use sandgate_pipeline::{Chain, Trail, TrailEntry};

use crate::call_log::Decision;

/// A captured call. It shares its parts with the live call, so that holding it costs no copy.
#[derive(Debug)]
pub struct CapturedCall {
    /// The call, before any interceptor.
    pub call: Arc<Call>,
    /// The time at which the message arrived.
    pub at: SystemTime,
    /// The request or notification as it arrived.
    pub message: Message,
    /// The other side's reply as it arrived; `None` if the call was not forwarded or got no reply.
    pub reply: Option<Message>,
    /// The chain that judged the call.
    pub chain: Arc<Chain>,
    /// The interceptors' decisions.
    pub trail: Trail,
    /// The call's outcome.
    pub decision: Decision,
    pub(crate) nested_runs: SharedNestedRuns,
}

/// What a capture knows about the nested messages of a call.
#[derive(Clone, Debug, Default)]
pub struct NestedCalls {
    /// Whether the call carries nested messages, which interceptors judge by themselves, or creates a task.
    pub carries: bool,
    /// The interceptor runs over the nested messages, in order.
    pub runs: Vec<NestedRun>,
    /// The captured calls that this call continues: those that asked what it answers, or that created the task it is
    /// about.
    pub follows: Vec<CallId>,
    /// Whether the call continues one that was not captured.
    pub orphaned: bool,
}

/// An interceptor run over a nested message.
#[derive(Clone, Debug)]
pub struct NestedRun {
    /// The method of the nested message.
    pub method: Arc<str>,
    /// The interceptor run.
    pub entry: TrailEntry,
}

/// The nested runs of a capture, which are filled in while the call is in flight.
pub type SharedNestedRuns = Arc<Mutex<NestedCalls>>;

impl CapturedCall {
    /// Begins the capture of a call that has just arrived.
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

    /// Returns what is known so far about the nested messages.
    pub fn carried(&self) -> NestedCalls {
        self.nested_runs.lock().clone()
    }
}

impl NestedCalls {
    /// Notes that the call continues the call `before`; `None` means one that was not captured.
    pub fn follow(&mut self, before: Option<&CallId>) {
        match before {
            None => self.orphaned = true,
            Some(id) if !self.follows.contains(id) => self.follows.push(id.clone()),
            Some(_) => {}
        }
    }
}
