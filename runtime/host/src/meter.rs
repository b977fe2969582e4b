//! What time of a run is its own: a processor's time in the guest, and the time for which it waits for what it asked the
//! host for. While it could go on and others have the processor its time stands still, so that load stops nobody.
//!
//! A run that is over within a tick, as most are, is not measured at all: no clock is read for it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Sleep;

use crate::clock::TICK;

/// Why a run is stopped before it has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its own time is over.
    Timeout,
    /// It has lasted too long, most of it for others.
    Overload,
}

/// The run that this thread polls.
#[derive(Clone, Copy)]
struct Turn {
    bounds: Bounds,
    /// Its own time until `since`.
    own: Duration,
    /// The thread's processor time; none: it began to be polled just now, for the first time.
    since: Option<Duration>,
    gave_way: bool,
}

#[derive(Clone, Copy)]
struct Bounds {
    timeout: Duration,
    deadline: Instant,
}

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Polls a run, which may take so much of its own time, and until the deadline in any case.
pub(crate) async fn metered<F: Future>(
    (timeout, deadline): (Duration, Instant),
    run: F,
) -> Result<F::Output, Stop> {
    let mut run = pin!(run);
    let mut meter = Meter {
        bounds: Bounds { timeout, deadline },
        own: Duration::ZERO,
        measured: false,
        wait: None,
    };
    poll_fn(move |context| meter.poll(run.as_mut(), context)).await
}

/// At a tick, within the guest: whether it has to end. Where it has not, it is about to let others have the thread.
pub(crate) fn tick() -> Result<(), Stop> {
    let Some(mut turn) = TURN.get() else {
        return Ok(());
    };
    turn.measure();
    turn.gave_way = true;
    TURN.set(Some(turn));
    if turn.own >= turn.bounds.timeout {
        return Err(Stop::Timeout);
    }
    if Instant::now() >= turn.bounds.deadline {
        return Err(Stop::Overload);
    }
    sandgate_message::give_way();
    Ok(())
}

/// What is left of its own time to the guest that asks.
pub(crate) fn left() -> Option<Duration> {
    let mut turn = TURN.get()?;
    if turn.since.is_some() {
        turn.measure();
        TURN.set(Some(turn));
    }
    Some(turn.bounds.timeout.saturating_sub(turn.own))
}

impl Turn {
    fn measure(&mut self) {
        let now = processor_time();
        // When it began is not known: within a tick, since every tick is noticed.
        let took = self.since.map_or(TICK, |since| now.saturating_sub(since));
        self.own += took;
        self.since = Some(now);
    }
}

/// This thread's.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

struct Meter {
    bounds: Bounds,
    own: Duration,
    /// It has lasted longer than a tick: each turn is measured from now on.
    measured: bool,
    /// Made when it waits for the first time.
    wait: Option<Box<Wait>>,
}

/// How a run waits for what it asked the host for.
struct Wait {
    /// None: it does not.
    since: Option<Instant>,
    bell: Arc<Bell>,
    /// Rings the bell.
    waker: Waker,
    timer: Pin<Box<Sleep>>,
}

/// Notes when what a run waits for has come: until it is polled it waits for a processor.
struct Bell {
    task: Mutex<Waker>,
    rang: Mutex<Option<Instant>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.lock().get_or_insert_with(Instant::now);
        self.task.lock().wake_by_ref();
    }
}

impl Meter {
    fn poll<F: Future>(
        &mut self,
        mut run: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Stop>> {
        if let Some(stop) = self.waited(context) {
            return Poll::Ready(Err(stop));
        }
        loop {
            let (polled, turn) = match &self.wait {
                None => self.turn(run.as_mut(), context),
                Some(wait) => self.turn(run.as_mut(), &mut Context::from_waker(&wait.waker)),
            };
            self.own = turn.own;
            self.measured |= turn.since.is_some();
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Ok(output));
            }
            if turn.gave_way {
                return Poll::Pending;
            }
            if self.wait.is_some() {
                return self.wait(context);
            }
            // Polled once more, so that what it waits for rings the bell.
            self.wait = Some(Box::new(Wait::new(context)));
        }
    }

    fn turn<F: Future>(
        &self,
        run: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> (Poll<F::Output>, Turn) {
        let turn = Turn {
            bounds: self.bounds,
            own: self.own,
            since: self.measured.then(processor_time),
            gave_way: false,
        };
        let before = TURN.replace(Some(turn));
        let polled = run.poll(context);
        let mut turn = TURN.replace(before).unwrap_or(turn);
        if polled.is_pending() && !turn.gave_way && turn.since.is_some() {
            turn.measure();
        }
        (polled, turn)
    }

    /// Counts how long it waited.
    fn waited(&mut self, context: &Context<'_>) -> Option<Stop> {
        let wait = self.wait.as_mut()?;
        wait.bell.task.lock().clone_from(context.waker());
        let rang = wait.bell.rang.lock().take();
        let since = wait.since.take()?;
        let until = rang.unwrap_or_else(Instant::now);
        self.own += until.saturating_duration_since(since);
        (self.own >= self.bounds.timeout).then_some(Stop::Timeout)
    }

    /// From now on it waits for something, as long as it may.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        let now = Instant::now();
        wait.since = Some(now);
        let over = now + self.bounds.timeout.saturating_sub(self.own);
        let until = over.min(self.bounds.deadline);
        wait.timer.as_mut().reset(until.into());
        match wait.timer.as_mut().poll(context) {
            Poll::Ready(()) if over <= self.bounds.deadline => Poll::Ready(Err(Stop::Timeout)),
            Poll::Ready(()) => Poll::Ready(Err(Stop::Overload)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Wait {
    fn new(context: &Context<'_>) -> Self {
        let bell = Arc::new(Bell {
            task: Mutex::new(context.waker().clone()),
            rang: Mutex::new(None),
        });
        Self {
            since: None,
            waker: bell.clone().into(),
            bell,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }
}
