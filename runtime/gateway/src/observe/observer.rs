//! Who watches calls go by: for counters and traces. Apart from the call log, because nothing depends on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use sandgate_message::{Call, CallId, Direction, Limits, Message, Method};
use sandgate_pipeline::Chain;

use crate::observe::call_log::Ended;
use crate::observe::capture::{CapturedCall, SharedNestedRuns};
use sandgate_upstream::trace_context::Trace;

/// Watches calls. Called on the path of every call: it may neither wait nor fail.
pub trait Observer: Send + Sync {
    /// Calls are traced: they get ids, and the servers are told of them.
    fn traces(&self) -> bool;
    /// A call has ended.
    fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>);
    /// The whole exchange is wanted: asked once, when the call comes.
    fn wants(&self, _: &Call) -> bool {
        false
    }
    /// An exchange that was wanted is over.
    fn take(&self, _: Box<CapturedCall>) {}
}

/// When a call was received, forwarded, answered and replied to.
#[derive(Clone, Copy, Debug)]
pub struct CallTimings<'a> {
    /// The message was received.
    pub received: Instant,
    /// It was forwarded to the other side. None: it was not.
    pub forwarded: Option<Instant>,
    /// The other side answered, or was found to have no answer. None: the call was not forwarded, or its asker went away
    /// first.
    pub answered: Option<Instant>,
    /// The reply was handed to the asker's transport.
    pub replied: Instant,
    /// The call's place in a trace. None: it is not traced.
    pub trace: Option<&'a Trace>,
}

/// How much there is at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of the edition in force.
    pub version: u64,
    /// Connections of clients.
    pub connections: usize,
    /// Sessions of legacy clients.
    pub sessions: usize,
    /// Requests and notifications, in either direction, that came and have not ended.
    pub under_way: usize,
    /// Of those: wait for their turn with the interceptors.
    pub waiting: usize,
}

/// Who watches, and how much there is to watch.
pub(crate) struct Observers {
    observer: Option<Arc<dyn Observer>>,
    under_way: Arc<AtomicUsize>,
}

/// A message that came. Under way until it is dropped.
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) trace: Option<Box<Trace>>,
    /// Where somebody wants the whole exchange.
    pub(crate) capture: Option<Box<CapturedCall>>,
    _under_way: UnderWay,
}

/// Counted until it is dropped.
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Observers {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            observer,
            under_way: Arc::default(),
        }
    }

    /// Requests and notifications that came and have not ended.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// A message begins its way. Where it names its place in a trace, it bears ours from now on.
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
            _under_way: UnderWay::new(&self.under_way),
        };
        if !self.observer.as_ref().is_some_and(|it| it.traces()) || stray(&message, direction) {
            return (arrival, message);
        }
        arrival.trace = Trace::of(&message, headers).map(Box::new);
        let message = match &arrival.trace {
            Some(trace) => trace.stamp(message, limits),
            None => message,
        };
        (arrival, message)
    }

    /// A message within another, which alone has a place in a trace.
    pub(crate) fn within(&self, at: Instant) -> Arrival {
        Arrival {
            at,
            trace: None,
            capture: None,
            _under_way: UnderWay::new(&self.under_way),
        }
    }

    /// Whether an observer wants the whole exchange. `continued`: the exchanges that this one continues, each `None` where
    /// nobody captured it; what continues others is wanted where all of those were.
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

    /// An exchange that somebody wanted is over.
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

/// What a server tells of its own accord belongs to the trace it names, and to none where it names none: each progress
/// notice would be a trace of its own.
fn stray(message: &Message, direction: Direction) -> bool {
    let notice = Method::new(message.method().unwrap_or_default()).is_notification();
    direction == Direction::ServerToClient && notice && !Trace::is_named_by(message)
}

impl Arrival {
    /// An observer wants the whole exchange, which begins now.
    pub(crate) fn begin_capture(
        &mut self,
        call: &Arc<Call>,
        message: &Message,
        chain: &Arc<Chain>,
    ) {
        self.capture = Some(Box::new(CapturedCall::new(call, message, chain)));
    }

    /// Where somebody wants to know what it carries.
    pub(crate) fn nested_runs(&self) -> Option<&SharedNestedRuns> {
        self.capture.as_ref().map(|capture| &capture.nested_runs)
    }

    /// The headers with which it goes on, where they differ.
    pub(crate) fn renew(&self, headers: &HeaderMap) -> Option<HeaderMap> {
        let trace = self.trace.as_ref()?;
        let mut renewed = headers.clone();
        trace.renew(&mut renewed);
        Some(renewed)
    }
}

impl UnderWay {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
