//! Observers of calls, for metrics and traces. They are separate from the call log because no call depends on them.

use std::time::Instant;

use sandgate_message::Call;
use sandgate_wire::trace_context::{Trace, TraceId};

use crate::call_log::Ended;
use crate::capture::CapturedCall;

/// Observes calls. The methods run on the path of every call and must neither block nor fail.
pub trait Observer: Send + Sync {
    /// Whether calls are traced: they then get trace ids, which are sent to the servers.
    fn traces(&self) -> bool;
    /// Whether a trace that begins here is recorded. A trace that a client names is recorded if the client says so.
    fn samples(&self, _: TraceId) -> bool {
        true
    }
    /// Called when a call has ended.
    fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>);
    /// Whether to capture the call. Asked once, when the call arrives.
    fn wants(&self, _: &Call) -> bool {
        false
    }
    /// Takes the capture of a call that has ended.
    fn take(&self, _: Box<CapturedCall>) {}
}

/// When a call was received, forwarded, answered and replied to.
#[derive(Clone, Copy, Debug)]
pub struct CallTimings<'a> {
    /// The time at which the message was received.
    pub received: Instant,
    /// The time at which the message was forwarded; `None` if it was not.
    pub forwarded: Option<Instant>,
    /// The time at which the other side answered, or turned out to have no answer; `None` if the call was not forwarded
    /// or its asker went away first.
    pub answered: Option<Instant>,
    /// The time at which the reply was handed to the asker's transport.
    pub replied: Instant,
    /// The call's trace context; `None` if the call is not traced.
    pub trace: Option<&'a Trace>,
}

/// Gauges of the gateway at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The version of the current edition.
    pub version: u64,
    /// The number of client connections.
    pub connections: usize,
    /// The number of legacy clients' sessions.
    pub sessions: usize,
    /// The number of requests and notifications in flight, in either direction.
    pub in_flight: usize,
    /// The number of those that wait for their turn with the interceptors.
    pub waiting: usize,
}
