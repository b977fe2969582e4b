//! Laps through the runtime's queue, and how many new calls each may admit while laps take long.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::Gate;
use super::queue::QUEUE;

/// The longest lap through the runtime's queue for which new calls need not wait.
pub(super) const LAP: Duration = Duration::from_millis(10);

impl Gate {
    /// Measures a lap, unless one was measured within the last [`LAP`].
    pub(super) async fn look(self: &Arc<Self>) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.timed.load(Relaxed);
        let due = now.saturating_sub(last) >= LAP.as_millis() as u64;
        let mine = || {
            let swapped = self.timed.compare_exchange(last, now, Relaxed, Relaxed);
            swapped.is_ok()
        };
        if due && !self.slow.load(SeqCst) && mine() {
            let took = lap().await;
            if took >= LAP && !self.slow.swap(true, SeqCst) {
                tokio::spawn(self.clone().pace(took));
            }
        }
    }

    /// Admits with each lap as many new calls as make it last about a [`LAP`], until laps are short and no new call
    /// waits.
    pub(super) async fn pace(self: Arc<Self>, mut took: Duration) {
        let mut tickets = self.half;
        loop {
            let of = LAP.as_secs_f64() / took.as_secs_f64().max(1e-6);
            tickets = scaled(tickets, of);
            if self.issue(tickets, took) {
                return;
            }
            took = lap().await;
            if took < LAP / 4 {
                // The calls wait for places: further laps would only keep a processor busy.
                tokio::time::sleep(LAP / 4).await;
            }
        }
    }

    /// Sets how many new calls this lap may admit. Returns `true` once laps are short and no new call waits, so that
    /// pacing can end.
    pub(super) fn issue(self: &Arc<Self>, tickets: usize, took: Duration) -> bool {
        let mut queue = self.queue.lock();
        if queue.coming == 0 && took < LAP / 2 {
            // A call that saw the gate slow and queues up now finds that it is not, and is admitted.
            self.slow.store(false, SeqCst);
            return true;
        }
        queue.tickets = tickets;
        self.hand_out(queue);
        false
    }
}

/// Passes once through the runtime's queue. Returns how long that took.
async fn lap() -> Duration {
    let began = Instant::now();
    let mut queued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut queued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    began.elapsed()
}

/// Scales the number of tickets by a factor, limited to a half and a double, and to at least one.
fn scaled(tickets: usize, by: f64) -> usize {
    let most = tickets.saturating_mul(2).min(QUEUE);
    // The value is small enough to be exact.
    ((tickets as f64 * by) as usize)
        .clamp(tickets / 2, most)
        .max(1)
}
