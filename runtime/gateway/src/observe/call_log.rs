//! The call log as the gateway sees it: somebody who writes records, or says that they cannot be written.

use std::time::{Duration, SystemTime};

use sandgate_message::{Call, Json};
use sandgate_pipeline::Trail;

/// Writes the call log. Called on the path of every call, so an implementation that may block for long hands its work
/// on and answers from what it knows.
pub trait CallLog: Send + Sync {
    /// A call is about to be forwarded; it is not if this fails and the policy is to refuse.
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError>;
    /// Notifications were left out of the log: there were too many.
    fn left_out(&self, record: &LeftOut<'_>) -> Result<(), CallLogError>;
    /// A call has ended; its reply is withheld if this fails and the policy is to refuse.
    fn ended(&self, record: &Ended<'_>) -> Result<(), CallLogError>;
}

/// A record could not be written; says why, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call log cannot be written: {0}")]
pub struct CallLogError(pub String);

/// Notifications that have no records of their own.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut<'a> {
    /// The latest of them.
    pub call: &'a Call,
    /// When this was written.
    pub at: SystemTime,
    /// How many there were.
    pub notifications: u64,
}

/// What is known when a call is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded<'a> {
    /// Who calls what.
    pub call: &'a Call,
    /// When.
    pub at: SystemTime,
    /// Bytes of the message as it goes on.
    pub request_bytes: usize,
    /// The params as they go on, after every interceptor: written only where payloads are asked for.
    pub params: &'a Json,
}

/// What is known when a call has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Who called what.
    pub call: &'a Call,
    /// When it ended.
    pub at: SystemTime,
    /// What became of it.
    pub decision: Decision,
    /// Who decided what on the way, and under which version of the chain.
    pub trail: &'a Trail,
    /// Bytes of the message that asked: as it went on, or as it came where it did not go on.
    pub request_bytes: usize,
    /// Bytes of the reply as its asker gets it; none where there is none.
    pub reply_bytes: Option<usize>,
    /// The reply is a JSON-RPC error.
    pub failed: bool,
    /// The reply's payload as its asker gets it, after every interceptor: written only where payloads are asked for.
    pub reply: Option<&'a Json>,
    /// From the message's arrival to the reply's departure.
    pub took: Duration,
    /// Of that, from its going on to the other side's answer; none where it did not go on. A notification has no answer:
    /// until it was handed over.
    pub server: Option<Duration>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The other side got it, and its answer went back (for a notification: it was passed on).
    Forwarded,
    /// An interceptor refused the call or withheld its reply.
    Refused,
    /// An interceptor stood in for the server.
    Answered,
    /// The other side could not be reached or gave no usable answer.
    Failed,
    /// The gateway had too much to do: the call did not go on, or its reply is withheld.
    Overloaded,
    /// The asker went away, or its session ended, before there was an answer.
    Cancelled,
}
