//! Metering the own time of a run: the processor time of its guest, and the time for which the guest waits for an
//! answer of the host. The time for which a run is ready but waits for a processor does not count, so that load makes
//! no run time out.
//!
//! A run that ends before the first tick of the epoch clock, as most do, is not measured: its processor time is never
//! read. What it used before that tick is then taken from the clock on the wall, and may be too much by as long as the
//! clock takes to tick. A short timeout cannot spare that, so a run with one is measured from its start.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Sleep;

use crate::clock::FIRST_TICK;

/// Why a run is stopped before it has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The run used up its own time.
    Timeout,
    /// The run lasted until its deadline, most of the time waiting for a processor.
    Overload,
}

/// One poll of a run on the current thread.
#[derive(Clone, Copy)]
struct CurrentPoll {
    bounds: Bounds,
    /// The own time of the run up to `since`.
    own: Duration,
    /// When the poll began.
    began: Instant,
    /// The processor time of the thread when `own` was last updated. `None`: the run is not measured yet.
    since: Option<Duration>,
    /// The guest yielded at a tick; it does not wait for the host.
    yielded: bool,
}

/// The bounds of one run.
#[derive(Clone, Copy)]
struct Bounds {
    /// The limit of the own time.
    timeout: Duration,
    /// The limit of the time on the wall.
    deadline: Instant,
}

/// The longest timeout with which a run is measured from its start: a tick would be more than a quarter of it.
const SHORT: Duration = FIRST_TICK.saturating_mul(4);

thread_local! {
    /// The poll that is in progress on this thread.
    static CURRENT_POLL: Cell<Option<CurrentPoll>> = const { Cell::new(None) };
}

/// Polls a run until it ends, has used `timeout` of its own time, or reaches the deadline.
pub(crate) async fn metered<F: Future>(
    (timeout, deadline): (Duration, Instant),
    run: F,
) -> Result<F::Output, Expiry> {
    let mut run = pin!(run);
    let mut meter = Meter {
        bounds: Bounds { timeout, deadline },
        own: Duration::ZERO,
        measured: timeout <= SHORT,
        wait: None,
    };
    poll_fn(move |context| meter.poll(run.as_mut(), context)).await
}

/// Checks the bounds of the current run. Called within the guest at each tick of the epoch clock; without an error the
/// guest then yields the thread.
pub(crate) fn tick() -> Result<(), Expiry> {
    let Some(mut current) = CURRENT_POLL.get() else {
        return Ok(());
    };
    current.measure();
    current.yielded = true;
    CURRENT_POLL.set(Some(current));
    if current.own >= current.bounds.timeout {
        return Err(Expiry::Timeout);
    }
    if Instant::now() >= current.bounds.deadline {
        return Err(Expiry::Overload);
    }
    sandgate_message::give_way();
    Ok(())
}

/// Begins the own time of the current run anew, with this timeout.
pub(crate) fn restart(timeout: Duration) {
    if let Some(mut current) = CURRENT_POLL.get() {
        current.bounds.timeout = timeout;
        current.since = Some(processor_time());
        current.own = Duration::ZERO;
        CURRENT_POLL.set(Some(current));
    }
}

/// The own time that is left to the current run. `None`: no run is polled on this thread.
pub(crate) fn remaining() -> Option<Duration> {
    let mut current = CURRENT_POLL.get()?;
    if current.since.is_some() {
        current.measure();
        CURRENT_POLL.set(Some(current));
    }
    Some(current.bounds.timeout.saturating_sub(current.own))
}

impl CurrentPoll {
    /// Adds the processor time since the last measurement to the own time.
    fn measure(&mut self) {
        let now = processor_time();
        // The processor time at the start of the first poll is not known: reading it is a system call, which a run that
        // ends soon is spared. The guest notices its first tick, so it did not run for longer than that takes.
        let took = match self.since {
            Some(since) => now.saturating_sub(since),
            None => self.began.elapsed().min(FIRST_TICK),
        };
        self.own += took;
        self.since = Some(now);
    }
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Measures one run over all its polls.
struct Meter {
    bounds: Bounds,
    own: Duration,
    /// The run has a short timeout or has lasted longer than a tick, so each poll is measured from now on.
    measured: bool,
    /// `None` until the run waits for the host for the first time.
    wait: Option<Box<HostWait>>,
}

/// The wait of a run for an answer of the host.
struct HostWait {
    /// When the wait began. `None`: the run does not wait.
    since: Option<Instant>,
    alarm: Arc<TimedWaker>,
    /// The `alarm` as a waker.
    waker: Waker,
    /// Ends the wait at the bounds of the run.
    timer: Pin<Box<Sleep>>,
}

/// A waker that notes when it was first woken. From that moment until the next poll the run waits for a processor.
struct TimedWaker {
    task: Mutex<Waker>,
    woken: Mutex<Option<Instant>>,
}

impl Wake for TimedWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.lock().get_or_insert_with(Instant::now);
        self.task.lock().wake_by_ref();
    }
}

impl Meter {
    fn poll<F: Future>(
        &mut self,
        mut run: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Expiry>> {
        if let Some(expiry) = self.end_wait(context) {
            return Poll::Ready(Err(expiry));
        }
        loop {
            let (polled, current) = match &self.wait {
                None => self.poll_measured(run.as_mut(), context),
                Some(wait) => {
                    self.poll_measured(run.as_mut(), &mut Context::from_waker(&wait.waker))
                }
            };
            (self.own, self.bounds) = (current.own, current.bounds);
            self.measured |= current.since.is_some();
            if let Poll::Ready(output) = polled {
                return Poll::Ready(Ok(output));
            }
            if current.yielded {
                return Poll::Pending;
            }
            if self.wait.is_some() {
                return self.start_wait(context);
            }
            // The run is polled once more, so that it registers the timed waker with what it waits for.
            self.wait = Some(Box::new(HostWait::new(context)));
        }
    }

    /// Polls the run once, and measures the poll if the run is measured.
    fn poll_measured<F: Future>(
        &self,
        run: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> (Poll<F::Output>, CurrentPoll) {
        let current = CurrentPoll {
            bounds: self.bounds,
            own: self.own,
            began: Instant::now(),
            since: self.measured.then(processor_time),
            yielded: false,
        };
        let before = CURRENT_POLL.replace(Some(current));
        let polled = run.poll(context);
        let mut current = CURRENT_POLL.replace(before).unwrap_or(current);
        if polled.is_pending() && !current.yielded && current.since.is_some() {
            current.measure();
        }
        (polled, current)
    }

    /// Ends a wait and adds it to the own time.
    fn end_wait(&mut self, context: &Context<'_>) -> Option<Expiry> {
        let wait = self.wait.as_mut()?;
        wait.alarm.task.lock().clone_from(context.waker());
        let woken = wait.alarm.woken.lock().take();
        let since = wait.since.take()?;
        let until = woken.unwrap_or_else(Instant::now);
        self.own += until.saturating_duration_since(since);
        (self.own >= self.bounds.timeout).then_some(Expiry::Timeout)
    }

    /// Starts a wait, which the timer ends at the bounds of the run.
    fn start_wait<T>(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Expiry>> {
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        let now = Instant::now();
        wait.since = Some(now);
        let over = now + self.bounds.timeout.saturating_sub(self.own);
        let until = over.min(self.bounds.deadline);
        wait.timer.as_mut().reset(until.into());
        match wait.timer.as_mut().poll(context) {
            Poll::Ready(()) if over <= self.bounds.deadline => Poll::Ready(Err(Expiry::Timeout)),
            Poll::Ready(()) => Poll::Ready(Err(Expiry::Overload)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl HostWait {
    fn new(context: &Context<'_>) -> Self {
        let alarm = Arc::new(TimedWaker {
            task: Mutex::new(context.waker().clone()),
            woken: Mutex::new(None),
        });
        Self {
            since: None,
            waker: alarm.clone().into(),
            alarm,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The own time that a run has used at its first tick, after it waited for a processor for 5 ms.
    async fn own_after_a_wait(timeout: Duration) -> Result<Duration, Expiry> {
        let run = async {
            // A thread that sleeps has no processor, as one that others have pushed aside.
            std::thread::sleep(Duration::from_millis(5));
            tick()?;
            Ok(timeout.saturating_sub(remaining().unwrap_or_default()))
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        metered((timeout, deadline), run).await?
    }

    #[tokio::test]
    async fn the_wait_for_a_processor_does_not_count_against_a_short_timeout() {
        for timeout in [Duration::from_millis(1), SHORT] {
            let own = own_after_a_wait(timeout).await;
            assert!(
                own.is_ok_and(|own| own < FIRST_TICK),
                "{timeout:?}: {own:?}"
            );
        }
    }

    #[tokio::test]
    async fn with_a_longer_timeout_at_most_a_tick_of_the_wait_counts() {
        let own = own_after_a_wait(SHORT + Duration::from_millis(1)).await;
        let expected = FIRST_TICK..2 * FIRST_TICK;
        assert!(own.is_ok_and(|own| expected.contains(&own)), "{own:?}");
    }

    #[tokio::test]
    async fn a_run_that_uses_a_short_timeout_up_ends() {
        let timeout = Duration::from_millis(1);
        let run = async {
            loop {
                tick()?;
            }
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let ended: Result<Result<(), Expiry>, Expiry> = metered((timeout, deadline), run).await;
        assert_eq!(ended, Ok(Err(Expiry::Timeout)));
    }
}
