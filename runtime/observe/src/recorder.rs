//! Records every call, in the call log, whose failure may stop the call, and with the observer, which stops nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use sandgate_message::{Call, CallId, Direction, Limits, Message, Method};
use sandgate_pipeline::Trail;
use sandgate_wire::trace_context::Trace;

use crate::access_log::{AccessLog, OnUnwritten};
use crate::arrival::Arrival;
use crate::call_log::{CallLog, CallLogError, Decision, Ended, Forwarded, LeftOut};
use crate::observer::{CallTimings, Observer};

/// The call log, the observer, and the count of messages in flight, once per gateway.
pub struct CallRecorder {
    log: AccessLog,
    observer: Option<Arc<dyn Observer>>,
    in_flight: Arc<AtomicUsize>,
}

impl CallRecorder {
    /// Creates a recorder that writes to `log` and tells `observer`.
    pub fn new(
        log: Arc<dyn CallLog>,
        on_unwritten: OnUnwritten,
        observer: Option<Arc<dyn Observer>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            log: AccessLog::new(log, on_unwritten),
            observer,
            in_flight: Arc::default(),
        })
    }

    /// A recorder that writes nothing and tells nobody, for calls that are replayed.
    pub fn unlogged() -> Arc<Self> {
        Self::new(Arc::new(Unlogged), OnUnwritten::Continue, None)
    }

    /// Changes the policy for records that cannot be written, for records from now on.
    pub fn set_on_unwritten(&self, on_unwritten: OnUnwritten) {
        self.log.set_on_unwritten(on_unwritten);
    }

    /// The number of requests and notifications in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Registers the arrival of a message. In a traced message, the gateway's trace context replaces the sender's.
    pub fn arrival(
        &self,
        message: Message,
        headers: &HeaderMap,
        direction: Direction,
        limits: &Limits,
    ) -> (Arrival, Message) {
        let mut arrival = Arrival::new(Instant::now(), &self.in_flight);
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

    /// Registers the arrival of a nested message, which has no trace context of its own.
    pub fn nested_arrival(&self, at: Instant) -> Arrival {
        Arrival::new(at, &self.in_flight)
    }

    /// Whether the observer wants a capture of the call. `continued` gives the calls that this one continues, `None`
    /// for one that was not captured. A call that continues others is captured if all of those were.
    pub fn wants(&self, call: &Call, continued: impl FnOnce() -> Vec<Option<CallId>>) -> bool {
        let Some(observer) = &self.observer else {
            return false;
        };
        match continued().as_slice() {
            [] => observer.wants(call),
            before => before.iter().all(Option::is_some),
        }
    }

    /// Records that a call is about to be forwarded.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse.
    pub fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError> {
        self.log.forwarded(record)
    }

    /// Records how many notifications were left out. A failure is only reported: the notifications were already
    /// forwarded.
    pub(crate) fn left_out(&self, record: &LeftOut<'_>) {
        self.log.left_out(record);
    }

    /// Records the end of a call: with the observer always, in the call log if `logged`.
    ///
    /// # Errors
    ///
    /// The record cannot be written and the policy is to refuse.
    pub fn ended(
        &self,
        record: &Ended<'_>,
        timings: &CallTimings<'_>,
        logged: bool,
    ) -> Result<(), CallLogError> {
        if let Some(observer) = &self.observer {
            observer.ended(record, timings);
        }
        match logged {
            true => self.log.ended(record),
            false => Ok(()),
        }
    }

    /// Hands the capture of a call to the observer. The capture of an overloaded call is dropped: no interceptor judged
    /// it, so it says nothing about any policy.
    pub fn capture(&self, arrival: &mut Arrival, decision: Decision, trail: &Trail) {
        let judged = decision != Decision::Overloaded;
        let capture = arrival.capture.take().filter(|_| judged);
        if let (Some(mut capture), Some(observer)) = (capture, &self.observer) {
            capture.decision = decision;
            capture.trail = trail.clone();
            observer.take(capture);
        }
    }
}

/// A call log that writes nothing.
struct Unlogged;

impl CallLog for Unlogged {
    fn forwarded(&self, _: &Forwarded<'_>) -> Result<(), CallLogError> {
        Ok(())
    }

    fn left_out(&self, _: &LeftOut<'_>) -> Result<(), CallLogError> {
        Ok(())
    }

    fn ended(&self, _: &Ended<'_>) -> Result<(), CallLogError> {
        Ok(())
    }
}

/// Whether a message starts no trace of its own. A server's notification belongs to the trace that it names, or to
/// none: otherwise each progress notification would be a trace.
fn stray(message: &Message, direction: Direction) -> bool {
    let notice = Method::new(message.method().unwrap_or_default()).is_notification();
    direction == Direction::ServerToClient && notice && !Trace::is_named_by(message)
}
