//! The arrival of a message: when it came, its trace, and its capture.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use sandgate_message::{Call, Message};
use sandgate_pipeline::Chain;
use sandgate_wire::trace_context::Trace;

use crate::capture::{CapturedCall, SharedNestedRuns};

/// The arrival of a message, which counts as in flight until this is dropped.
pub struct Arrival {
    /// When the message came.
    pub at: Instant,
    /// The trace that the message belongs to; `None` if the call is not traced.
    pub trace: Option<Box<Trace>>,
    /// The capture of the call, if an observer wants one.
    pub capture: Option<Box<CapturedCall>>,
    _in_flight: InFlightCount,
}

/// A count of one, until it is dropped.
struct InFlightCount(Arc<AtomicUsize>);

impl Arrival {
    pub(crate) fn new(at: Instant, in_flight: &Arc<AtomicUsize>) -> Self {
        in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            at,
            trace: None,
            capture: None,
            _in_flight: InFlightCount(in_flight.clone()),
        }
    }

    /// Begins a capture of the call.
    pub fn begin_capture(&mut self, call: &Arc<Call>, message: &Message, chain: &Arc<Chain>) {
        self.capture = Some(Box::new(CapturedCall::new(call, message, chain)));
    }

    /// The nested runs of the capture; `None` if the call is not captured.
    pub fn nested_runs(&self) -> Option<&SharedNestedRuns> {
        self.capture.as_ref().map(|capture| &capture.nested_runs)
    }

    /// The headers with the gateway's trace context; `None` if the call is not traced.
    pub fn renew(&self, headers: &HeaderMap) -> Option<HeaderMap> {
        let trace = self.trace.as_ref()?;
        let mut renewed = headers.clone();
        trace.renew(&mut renewed);
        Some(renewed)
    }
}

impl Drop for InFlightCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
