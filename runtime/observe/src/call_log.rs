//! The gateway's interface to the call log.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sandgate_message::{Call, Json, Message};
use sandgate_pipeline::Trail;

/// Writes the call log. The methods run on the path of every call: an implementation that may block for long must hand
/// its work to another thread and answer from what it knows.
pub trait CallLog: Send + Sync {
    /// Records that a call is about to be forwarded.
    ///
    /// # Errors
    ///
    /// The record cannot be written. The call is then not forwarded if the policy is to refuse.
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError>;
    /// Records that notifications were left out of the log, because there were too many.
    ///
    /// # Errors
    ///
    /// The record cannot be written.
    fn left_out(&self, record: &LeftOut<'_>) -> Result<(), CallLogError>;
    /// Records that a call has ended.
    ///
    /// # Errors
    ///
    /// The record cannot be written. The reply is then withheld if the policy is to refuse.
    fn ended(&self, record: &Ended<'_>) -> Result<(), CallLogError>;
}

/// The error of a record that could not be written. The text says why, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call log cannot be written: {0}")]
pub struct CallLogError(pub String);

/// The record of notifications that have no records of their own.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut<'a> {
    /// The latest of the notifications.
    pub call: &'a Call,
    /// The time at which this record was written.
    pub at: SystemTime,
    /// The number of notifications.
    pub notifications: u64,
}

/// The record of a call that is about to be forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded<'a> {
    /// The call.
    pub call: &'a Call,
    /// The time at which the call is forwarded.
    pub at: SystemTime,
    /// The size of the forwarded message, in bytes.
    pub request_bytes: usize,
    /// The forwarded params, after every interceptor. Written only where payloads are enabled.
    pub params: &'a Json,
}

/// The record of a call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The call.
    pub call: &'a Call,
    /// The time at which the call ended.
    pub at: SystemTime,
    /// The call's outcome.
    pub decision: Decision,
    /// The interceptors' decisions, and the version of the chain.
    pub trail: &'a Trail,
    /// The size of the request, in bytes: as forwarded, or as received if it was not forwarded.
    pub request_bytes: usize,
    /// The size of the reply as the asker gets it, in bytes; `None` if there is no reply.
    pub reply_bytes: Option<usize>,
    /// Whether the reply is a JSON-RPC error.
    pub failed: bool,
    /// The reply's payload as the asker gets it, after every interceptor. Written only where payloads are enabled.
    pub reply: Option<&'a Json>,
    /// The time from the message's arrival until its reply was ready.
    pub took: Duration,
    /// The part of `took` between forwarding and the other side's answer; `None` if the call was not forwarded. For a
    /// notification, which has no answer, the time until it was handed over.
    pub server: Option<Duration>,
    /// The gateway's own rule that refused the call; `None` where an interceptor, or nothing, did.
    pub refused_by: Option<&'a RefusedBy>,
}

impl<'a> Ended<'a> {
    /// The record of a call that ends now, `took` after its message arrived, and that no server answered.
    pub fn of(
        call: &'a Call,
        decision: Decision,
        trail: &'a Trail,
        request_bytes: usize,
        reply: Option<&'a Message>,
        took: Duration,
    ) -> Self {
        Self {
            call,
            at: SystemTime::now(),
            decision,
            trail,
            request_bytes,
            reply_bytes: reply.map(|reply| reply.bytes().len()),
            failed: reply.is_some_and(Message::failed),
            reply: reply.map(Message::payload),
            took,
            server: None,
            refused_by: None,
        }
    }
}

/// A rule of the gateway's own that refused a call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RefusedBy {
    /// The code: `view.denied`, `view.not-allowed`, `secrets.value`, or of a stop, `stop.client`, `stop.server`, `stop.tool` or
    /// `stop.plugin`.
    pub code: &'static str,
    /// The view that denies; `None` where no view allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<Arc<str>>,
    /// The view's pattern, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Arc<str>>,
    /// The name of what the operator has stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Arc<str>>,
    /// Why, in the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
}

impl RefusedBy {
    /// The rule of this code, of which there is no more to say.
    pub fn of(code: &'static str) -> Self {
        Self {
            code,
            view: None,
            pattern: None,
            stopped: None,
            why: None,
        }
    }
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The message was forwarded and the answer returned. A notification was forwarded.
    Forwarded,
    /// An interceptor, a view or a stop refused the call, or withheld its reply.
    Refused,
    /// An interceptor answered in place of the server.
    Answered,
    /// The other side could not be reached or gave no usable answer.
    Failed,
    /// The gateway was overloaded: the call was not forwarded, or its reply was withheld.
    Overloaded,
    /// The asker went away, or its session ended, before there was an answer.
    Cancelled,
}
