//! Observers of calls, for metrics and traces. They are separate from the call log because no call depends on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use sandgate_message::{Call, CallId, Direction, Limits, Message, Method};
use sandgate_pipeline::Chain;

use crate::observe::call_log::Ended;
use crate::observe::capture::{CapturedCall, SharedNestedRuns};
use sandgate_wire::trace_context::{Trace, TraceId};

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

/// The observer, and the count of messages in flight.
pub(crate) struct Observers {
    observer: Option<Arc<dyn Observer>>,
    in_flight: Arc<AtomicUsize>,
}

/// The arrival of a message, which counts as in flight until this is dropped.
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) trace: Option<Box<Trace>>,
    /// The capture of the call, if an observer wants one.
    pub(crate) capture: Option<Box<CapturedCall>>,
    _under_way: InFlightCount,
}

/// A count of one, until it is dropped.
pub(crate) struct InFlightCount(Arc<AtomicUsize>);

impl Observers {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            observer,
            in_flight: Arc::default(),
        }
    }

    /// The number of requests and notifications in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Registers the arrival of a message. In a traced message, the gateway's trace context replaces the sender's.
    pub(crate) fn arrival(
        &self,
        message: Message,
        headers: &HeaderMap,
        direction: Direction,
        limits: &Limits,
    ) -> (Arrival, Message) {
        let mut arrival = Arrival {
            at: Instant::now(),
            trace: None,
            capture: None,
            _under_way: InFlightCount::new(&self.in_flight),
        };
        let observer = self.observer.as_ref().filter(|it| it.traces());
        let Some(observer) = observer.filter(|_| !stray(&message, direction)) else {
            return (arrival, message);
        };
        let samples = |trace| observer.samples(trace);
        arrival.trace = Trace::of(&message, headers, samples).map(Box::new);
        let message = match &arrival.trace {
            Some(trace) => trace.stamp(message, limits),
            None => message,
        };
        (arrival, message)
    }

    /// Registers the arrival of a nested message. Only the outer message has a trace context.
    pub(crate) fn within(&self, at: Instant) -> Arrival {
        Arrival {
            at,
            trace: None,
            capture: None,
            _under_way: InFlightCount::new(&self.in_flight),
        }
    }

    /// Whether the observer wants a capture of the call. `continued` gives the calls that this one continues, `None`
    /// for one that was not captured. A call that continues others is captured if all of those were.
    pub(crate) fn wants(
        &self,
        call: &Call,
        continued: impl FnOnce() -> Vec<Option<CallId>>,
    ) -> bool {
        let Some(observer) = &self.observer else {
            return false;
        };
        match continued().as_slice() {
            [] => observer.wants(call),
            before => before.iter().all(Option::is_some),
        }
    }

    /// Hands a capture to the observer.
    pub(crate) fn take(&self, capture: Box<CapturedCall>) {
        if let Some(observer) = &self.observer {
            observer.take(capture);
        }
    }

    pub(crate) fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        if let Some(observer) = &self.observer {
            observer.ended(record, timings);
        }
    }
}

/// Whether a message starts no trace of its own. A server's notification belongs to the trace that it names, or to
/// none: otherwise each progress notification would be a trace.
fn stray(message: &Message, direction: Direction) -> bool {
    let notice = Method::new(message.method().unwrap_or_default()).is_notification();
    direction == Direction::ServerToClient && notice && !Trace::is_named_by(message)
}

impl Arrival {
    /// Begins a capture of the call.
    pub(crate) fn begin_capture(
        &mut self,
        call: &Arc<Call>,
        message: &Message,
        chain: &Arc<Chain>,
    ) {
        self.capture = Some(Box::new(CapturedCall::new(call, message, chain)));
    }

    /// The nested runs of the capture; `None` if the call is not captured.
    pub(crate) fn nested_runs(&self) -> Option<&SharedNestedRuns> {
        self.capture.as_ref().map(|capture| &capture.nested_runs)
    }

    /// The headers with the gateway's trace context; `None` if the call is not traced.
    pub(crate) fn renew(&self, headers: &HeaderMap) -> Option<HeaderMap> {
        let trace = self.trace.as_ref()?;
        let mut renewed = headers.clone();
        trace.renew(&mut renewed);
        Some(renewed)
    }
}

impl InFlightCount {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for InFlightCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
