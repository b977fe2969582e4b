//! Who watches calls go by: for counters and traces. Apart from the call log, because nothing depends on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use sandgate_message::{Call, Direction, Limits, Message, Method};
use sandgate_pipeline::Chain;

use crate::carriage::Carriage;
use crate::carried;
use crate::record::Ended;
use crate::taken::{Asides, Taken};
use crate::trace::Trace;

/// Watches calls. Called on the path of every call: it may neither wait nor fail.
pub trait Observer: Send + Sync {
    /// Calls are traced: they get ids, and the servers are told of them.
    fn traces(&self) -> bool;
    /// A call has ended.
    fn ended(&self, record: &Ended<'_>, way: &Way<'_>);
    /// The whole exchange is wanted: asked once, when the call comes.
    fn wants(&self, _: &Call) -> bool {
        false
    }
    /// An exchange that was wanted is over.
    fn take(&self, _: Box<Taken>) {}
}

/// When a call was where.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The message came.
    pub came: Instant,
    /// It went on to the other side. None: it did not.
    pub went: Option<Instant>,
    /// The other side's reply came, or the news that there will be none. None: it did not go on, or its asker went away
    /// first.
    pub returned: Option<Instant>,
    /// The reply left.
    pub left: Instant,
    /// Where it is traced.
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
pub(crate) struct Lookout {
    observer: Option<Arc<dyn Observer>>,
    under_way: Arc<AtomicUsize>,
}

/// A message that came. Under way until it is dropped.
pub(crate) struct Came {
    pub(crate) at: Instant,
    pub(crate) trace: Option<Box<Trace>>,
    /// Where somebody wants the whole exchange.
    pub(crate) taken: Option<Box<Taken>>,
    _under_way: UnderWay,
}

/// Counted until it is dropped.
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Lookout {
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
    pub(crate) fn came(
        &self,
        message: Message,
        headers: &HeaderMap,
        direction: Direction,
        limits: &Limits,
    ) -> (Came, Message) {
        let mut came = Came {
            at: Instant::now(),
            trace: None,
            taken: None,
            _under_way: UnderWay::new(&self.under_way),
        };
        if !self.observer.as_ref().is_some_and(|it| it.traces()) || stray(&message, direction) {
            return (came, message);
        }
        came.trace = Trace::of(&message, headers).map(Box::new);
        let message = match &came.trace {
            Some(trace) => trace.stamp(message, limits),
            None => message,
        };
        (came, message)
    }

    /// A message within another, which alone has a place in a trace.
    pub(crate) fn within(&self, at: Instant) -> Came {
        Came {
            at,
            trace: None,
            taken: None,
            _under_way: UnderWay::new(&self.under_way),
        }
    }

    /// What the message is, before any interceptor sees it. What continues other exchanges is wanted where those were.
    pub(crate) fn describe(
        &self,
        came: &mut Came,
        carriage: &Carriage,
        chain: &Arc<Chain>,
        call: &Arc<Call>,
        message: &Message,
    ) {
        let Some(observer) = &self.observer else {
            return;
        };
        let before = match carried::params_carry(message) {
            true => carriage.before(call, message.payload()),
            false => Vec::new(),
        };
        let wanted = match before.as_slice() {
            [] => observer.wants(call),
            before => before.iter().all(Option::is_some),
        };
        if wanted {
            came.taken = Some(Box::new(Taken::new(call, message, chain)));
        }
    }

    /// An exchange that somebody wanted is over.
    pub(crate) fn take(&self, taken: Box<Taken>) {
        if let Some(observer) = &self.observer {
            observer.take(taken);
        }
    }

    pub(crate) fn ended(&self, record: &Ended<'_>, way: &Way<'_>) {
        if let Some(observer) = &self.observer {
            observer.ended(record, way);
        }
    }
}

/// What a server tells of its own accord belongs to the trace it names, and to none where it names none: each progress
/// notice would be a trace of its own.
fn stray(message: &Message, direction: Direction) -> bool {
    let notice = Method::new(message.method().unwrap_or_default()).is_notification();
    direction == Direction::ServerToClient && notice && !Trace::is_named_by(message)
}

impl Came {
    /// Where somebody wants to know what it carries.
    pub(crate) fn asides(&self) -> Option<&Asides> {
        self.taken.as_ref().map(|taken| &taken.asides)
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
