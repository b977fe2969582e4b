//! The gate in front of the policies: how many calls they judge at a time, which call is next, and which is refused.
//!
//! Policies compute. Running more of them than there are processors finishes none earlier and slows each, until all
//! take too long. A call therefore holds a place while interceptors judge it, and gives the place back while they wait
//! for something (a server, HTTP, a timer). A call that finds no place waits in a queue:
//!
//! 1. Half of the places are shared by all accounts: taking one is a single atomic addition, and its account is not
//!    tracked. Of the other half, an account holds no more than are free (see [`Quota`](sandgate_wire::Quota)), so that a new
//!    caller finds room beside one whose calls take long.
//! 2. A free place goes to the next account in turn, and within an account to the oldest call. Calls in flight (whose
//!    reply came, or whose wait is over) go before new ones.
//! 3. A new call is refused at once if its account has its share of the queue. Later it is refused if it waited for
//!    [`LONGEST`], or for [`STALE`] while even admitted calls had waited for [`TARGET`] throughout an [`INTERVAL`](queue).
//!    This is CoDel's rule (RFC 8289): a queue that drains is harmless, while a standing queue only delays everyone.
//! 4. Policies that decide at once hold no place for long; calls then wait for a processor in the runtime's own queue,
//!    unseen. When many calls are in flight, one of them therefore passes through that queue once more from time to
//!    time and measures a lap. If the lap took longer than [`LAP`](pace), new calls wait here, and each further lap
//!    admits as many as make laps last about that long (see `pace`).
//! 5. A call in flight is never refused, since a server may have carried it out. After [`PATIENCE`] it goes on without
//!    a place.

mod pace;
mod place;
mod queue;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::task::ready;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use sandgate_message::{Account, polled};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use place::{Held, Place};
use queue::{Queue, TARGET, Waiter, Way};

/// The longest wait of a new call under overload. Not shorter, since callers retry as soon as they are refused, and
/// refusing costs time as well.
const STALE: Duration = Duration::from_millis(500);
/// The longest wait of a new call in a burst.
const LONGEST: Duration = Duration::from_secs(2);
/// The longest wait of a call in flight.
const PATIENCE: Duration = Duration::from_secs(5);
/// The number of places per processor.
const EACH: usize = 4;
/// The error of a call that is refused because the gateway is overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overloaded;

/// The places, and the queue for them.
#[derive(Debug)]
pub struct Gate {
    /// The number of unreserved places, and also of those shared out among accounts.
    half: usize,
    /// The number of unreserved places in use.
    used: AtomicUsize,
    /// The number of calls in the queue.
    waiting: AtomicUsize,
    /// Whether laps take long, so that new calls wait.
    slow: AtomicBool,
    /// The time of the last lap, in milliseconds since `began`.
    timed: AtomicU64,
    began: Instant,
    queue: Mutex<Queue<Place>>,
}

impl Gate {
    /// Creates a gate for this number of processors.
    pub fn new(processors: usize) -> Arc<Self> {
        Arc::new(Self {
            half: processors.saturating_mul(EACH).div_ceil(2).max(1),
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            slow: AtomicBool::new(false),
            timed: AtomicU64::new(0),
            began: Instant::now(),
            queue: Mutex::default(),
        })
    }

    /// A gate at which no call waits.
    pub fn open() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// The number of waiting calls.
    pub fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Polls a new call's `judged` future, once it is the call's turn. `under_way` is the number of calls in flight in
    /// the gateway.
    ///
    /// # Errors
    ///
    /// The call waited too long; the future was never polled.
    pub async fn come_in<T>(
        self: &Arc<Self>,
        account: &Account,
        under_way: usize,
        judged: Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> Result<T, Overloaded> {
        if under_way / 2 > self.half {
            self.look().await;
        }
        let place = self.come(account).await?;
        Ok(self.pass(account, Some(place), judged).await)
    }

    /// As [`come_in`](Self::come_in), for a call in flight, which is not refused.
    pub async fn go_on<T>(
        self: &Arc<Self>,
        account: &Account,
        judged: Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> T {
        self.pass(account, None, judged).await
    }

    async fn pass<T>(
        self: &Arc<Self>,
        account: &Account,
        place: Option<Place>,
        mut judged: Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> T {
        let mut held = Held {
            gate: self,
            account,
            place,
            waits: None,
        };
        poll_fn(|context| {
            ready!(held.poll(context));
            let (result, gave_way) = polled(|| judged.as_mut().poll(context));
            if result.is_pending() && !gave_way {
                held.place = None;
            }
            result
        })
        .await
    }

    async fn come(self: &Arc<Self>, account: &Account) -> Result<Place, Overloaded> {
        if let Some(place) = self.take(account, Way::Coming) {
            return Ok(place);
        }
        // Few calls wait: boxing keeps the future of every call small.
        Box::pin(self.clone().wait(account.clone(), Way::Coming)).await
    }

    /// Takes a place that no earlier call waits for.
    fn take(self: &Arc<Self>, account: &Account, way: Way) -> Option<Place> {
        let slow = way == Way::Coming && self.slow.load(SeqCst);
        if slow {
            return None;
        }
        if self.waiting.load(SeqCst) == 0 && self.take_any() {
            return Some(Place::new(self, None));
        }
        let mut queue = self.queue.lock();
        // A waiting call that could go on does so as soon as a place is free, so calls of this account that still wait
        // are waiting for the account's share.
        let first = queue
            .accounts
            .get(account)
            .is_none_or(|share| share.waiting[way as usize].is_empty());
        (first && queue.take(account, self.half)).then(|| Place::new(self, Some(account.clone())))
    }

    /// Takes an unreserved place.
    fn take_any(&self) -> bool {
        let more = |used| (used < self.half).then_some(used + 1);
        self.used.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    async fn wait(self: Arc<Self>, account: Account, way: Way) -> Result<Place, Overloaded> {
        let since = Instant::now();
        let mut place = self.queue_up(&account, way, since).ok_or(Overloaded)?;
        let mut next = match way {
            Way::Coming => STALE,
            Way::Within => PATIENCE,
        };
        loop {
            match timeout_at(since + next, &mut place).await {
                Ok(Ok(place)) => return Ok(place),
                // Unreachable: the waiter's sender is in the gate, which `self` keeps alive.
                Ok(Err(_)) => return Err(Overloaded),
                Err(_) => {}
            }
            if way == Way::Within || next >= LONGEST || self.is_overloaded(&account) {
                place.close();
                // The place may have arrived just now.
                return place.try_recv().map_err(|_| Overloaded);
            }
            next += TARGET;
        }
    }

    fn queue_up(
        self: &Arc<Self>,
        account: &Account,
        way: Way,
        since: Instant,
    ) -> Option<oneshot::Receiver<Place>> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.queue.lock();
        let given_up = queue.forget(account, way);
        self.waiting.fetch_sub(given_up, SeqCst);
        if way == Way::Coming && !queue.has_room(account) {
            return None;
        }
        let waiter = Waiter {
            place: sender,
            since,
        };
        queue.push(account, way, waiter);
        // The count is raised before the places are checked. A call that gives a place back does the opposite, so that
        // neither misses the other.
        self.waiting.fetch_add(1, SeqCst);
        self.hand_out(queue);
        Some(receiver)
    }

    fn is_overloaded(&self, account: &Account) -> bool {
        let queue = self.queue.lock();
        let share = queue.accounts.get(account);
        share.is_some_and(|share| share.overloaded)
    }

    fn give_back(self: &Arc<Self>, of: Option<&Account>) {
        match of {
            None => {
                self.used.fetch_sub(1, SeqCst);
                if self.waiting.load(SeqCst) > 0 {
                    self.hand_out(self.queue.lock());
                }
            }
            Some(account) => {
                let mut queue = self.queue.lock();
                queue.remove(account);
                queue.tidy(account);
                self.hand_out(queue);
            }
        }
    }

    /// Hands free places to waiting calls.
    fn hand_out(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue<Place>>) {
        while self.waiting.load(SeqCst) > 0 {
            let any = self.take_any();
            let now = Instant::now();
            let slow = self.slow.load(SeqCst);
            let (next, gone) = queue.next(now, slow, if any { None } else { Some(self.half) });
            self.waiting.fetch_sub(gone, SeqCst);
            let Some((account, waiter)) = next else {
                if any {
                    self.used.fetch_sub(1, SeqCst);
                }
                return;
            };
            let of = match any {
                true => None,
                false => {
                    queue.add(&account);
                    Some(account.clone())
                }
            };
            // A place whose waiter is gone is given back here, since dropping it would lock the queue again.
            if let Err(mut place) = waiter.place.send(Place::new(self, of)) {
                place.gate = None;
                match any {
                    true => drop(self.used.fetch_sub(1, SeqCst)),
                    false => queue.remove(&account),
                }
            }
            queue.tidy(&account);
        }
    }
}

#[cfg(test)]
mod tests;
