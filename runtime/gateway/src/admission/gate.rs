//! How many calls are with the policies at a time, who waits to be next, and who is turned away.
//!
//! Policies compute. More of them at a time than there are processors get nothing done earlier, and each takes longer, until
//! all take too long. So a call has a place while interceptors judge it, and gives the place back while they wait for
//! something (a server, HTTP, a timer). Who finds none waits in a queue:
//!
//! 1. Half of the places are anybody's: taking one of these is one atomic addition, and nothing is known of who has it. Of
//!    the others an account has no more than are free (see [`Quota`](super::Quota)), so that whoever has nothing yet finds
//!    room beside a caller whose calls take long.
//! 2. A place that becomes free is the next account's, in turns; within an account, who came first is first. Calls that are
//!    on their way already (a reply came, something they waited for is there) go before those that come.
//! 3. A call that comes is turned away at once where its account has its share of the queue already, and later where it has
//!    waited too long: [`LONGEST`]; or [`STALE`], where even the calls that got a place had waited for the [`TARGET`]
//!    throughout an [`INTERVAL`]. (The rule of CoDel, RFC 8289: a queue that drains again is a good one, and one that
//!    stands only makes everybody wait.)
//! 4. Policies that decide at once hold no place for long, and what waits for a processor then waits in the runtime's own
//!    queue, unseen. So now and then, where many calls are under way, one goes through that queue once more and takes the
//!    time. Where it took longer than a [`LAP`], those who come wait here, and as many come in with each further lap as
//!    make it last about that long (see `pace`).
//! 5. A call that is on its way is never turned away: a server may have carried it out. After [`PATIENCE`] it goes on
//!    without a place.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use sandgate_message::{Account, BoxFuture, polled};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// How long a call waits where there are not more than can be done.
const TARGET: Duration = Duration::from_millis(100);
/// How long one may wait where there are. Callers come back as soon as they are turned away, and turning away costs as well.
const STALE: Duration = Duration::from_millis(500);
/// How long that has to be so.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a call may wait in a burst.
const LONGEST: Duration = Duration::from_secs(2);
/// How long one may wait that is on its way.
const PATIENCE: Duration = Duration::from_secs(5);
/// Calls that wait to come in, of all accounts.
const QUEUE: usize = 2048;
/// Places for each processor.
const EACH: usize = 4;
/// How long a way once through the runtime's queue may take before those who come have to wait.
const LAP: Duration = Duration::from_millis(10);

/// The gateway has more to do than it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// The places.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Places that are anybody's, and as many that are shared out.
    half: usize,
    /// Of those that are anybody's: in use.
    used: AtomicUsize,
    /// Calls in the queue.
    waiting: AtomicUsize,
    /// Laps take long: who comes waits.
    slow: AtomicBool,
    /// When a lap was timed last, in milliseconds since `began`.
    timed: AtomicU64,
    began: Instant,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Of the places that are shared out: in use.
    used: usize,
    /// Calls that wait to come in.
    coming: usize,
    /// How many of them may with this lap, where laps take long.
    tickets: usize,
    accounts: HashMap<Account, Share>,
    /// Accounts of which calls wait, by [`Way`]; whose turn it is stands first.
    turns: [VecDeque<Account>; 2],
}

/// An account's part.
#[derive(Debug, Default)]
struct Share {
    used: usize,
    /// By [`Way`].
    waiting: [VecDeque<Waiter>; 2],
    /// Since when every call had waited for [`TARGET`].
    slow_since: Option<Instant>,
    overloaded: bool,
}

#[derive(Debug)]
struct Waiter {
    place: oneshot::Sender<Place>,
    since: Instant,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It may have been carried out, or is the server's: it is not turned away.
    Within = 0,
    /// Nothing has been done for it yet.
    Coming = 1,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
struct Place {
    gate: Option<Arc<Gate>>,
    /// Whose; none: one that is anybody's.
    of: Option<Account>,
}

/// A call's place, while it has one.
struct Held<'a> {
    gate: &'a Arc<Gate>,
    account: &'a Account,
    place: Option<Place>,
    waits: Option<BoxFuture<'static, Result<Place, Overloaded>>>,
}

impl Gate {
    /// For so many processors.
    pub(crate) fn new(processors: usize) -> Arc<Self> {
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

    /// Nobody waits.
    pub(crate) fn open() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// Calls that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Takes a call of this account through its interceptors, when it is its turn. `under_way`: calls in the whole gateway.
    ///
    /// # Errors
    /// It has waited too long; nothing has been polled.
    pub(crate) async fn come_in<T>(
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

    /// The same for one that is on its way already, and is not turned away.
    pub(crate) async fn go_on<T>(
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
        // Few wait: the future of every call has no room for it.
        Box::pin(self.clone().wait(account.clone(), Way::Coming)).await
    }

    /// Times a lap, unless one was timed just now.
    async fn look(self: &Arc<Self>) {
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

    /// Lets as many in with each lap as make it last about a [`LAP`], until laps are short and nobody waits.
    async fn pace(self: Arc<Self>, mut took: Duration) {
        let mut tickets = self.half;
        loop {
            let of = LAP.as_secs_f64() / took.as_secs_f64().max(1e-6);
            tickets = scaled(tickets, of);
            if self.issue(tickets, took) {
                return;
            }
            took = lap().await;
            if took < LAP / 4 {
                // Those who wait wait for places: laps would only keep a processor busy.
                tokio::time::sleep(LAP / 4).await;
            }
        }
    }

    /// So many may come in with this lap. True: there is no need for that any more, since laps are short and nobody waits.
    fn issue(self: &Arc<Self>, tickets: usize, took: Duration) -> bool {
        let mut queue = self.queue.lock();
        if queue.coming == 0 && took < LAP / 2 {
            // Whoever saw it slow and queues up now finds it is not, and comes in.
            self.slow.store(false, SeqCst);
            return true;
        }
        queue.tickets = tickets;
        self.hand_out(queue);
        false
    }

    /// A place, where nobody waits for it.
    fn take(self: &Arc<Self>, account: &Account, way: Way) -> Option<Place> {
        let slow = way == Way::Coming && self.slow.load(SeqCst);
        if slow {
            return None;
        }
        if self.waiting.load(SeqCst) == 0 && self.take_any() {
            return Some(Place::new(self, None));
        }
        let mut queue = self.queue.lock();
        // One that waits and could go on goes on as soon as a place is free: who waits now waits for its account's share.
        let first = queue
            .accounts
            .get(account)
            .is_none_or(|share| share.waiting[way as usize].is_empty());
        (first && queue.take(account, self.half)).then(|| Place::new(self, Some(account.clone())))
    }

    /// One of those that are anybody's.
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
                // Whoever waits is held by the gate, which we hold.
                Ok(Err(_)) => return Err(Overloaded),
                Err(_) => {}
            }
            if way == Way::Within || next >= LONGEST || self.is_overloaded(&account) {
                place.close();
                // It may have come just now.
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
        // Counted first, looked at second; who gives a place back does it the other way round.
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
                queue.used -= 1;
                if let Some(share) = queue.accounts.get_mut(account) {
                    share.used -= 1;
                }
                queue.tidy(account);
                self.hand_out(queue);
            }
        }
    }

    /// What is free goes to those who wait.
    fn hand_out(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>) {
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
            // Whoever is gone meanwhile gives it back here: dropped, it would want the queue's lock.
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

/// Once through the runtime's queue, to its end; how long it took.
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

/// So many times this, but no more than twice and no less than half of it, and one at least.
fn scaled(tickets: usize, by: f64) -> usize {
    let most = tickets.saturating_mul(2).min(QUEUE);
    // Small enough to be exact.
    ((tickets as f64 * by) as usize)
        .clamp(tickets / 2, most)
        .max(1)
}

impl Queue {
    /// One of the places that are shared out, where the account may have it.
    fn take(&mut self, account: &Account, places: usize) -> bool {
        let may = self.may(account, places);
        if may {
            self.add(account);
        }
        may
    }

    fn may(&self, account: &Account, places: usize) -> bool {
        let free = places.saturating_sub(self.used);
        let used = self.accounts.get(account).map_or(0, |share| share.used);
        free > 0 && (*account == Account::Local || used < free)
    }

    fn add(&mut self, account: &Account) {
        self.used += 1;
        self.accounts.entry(account.clone()).or_default().used += 1;
    }

    fn remove(&mut self, account: &Account) {
        self.used -= 1;
        if let Some(share) = self.accounts.get_mut(account) {
            share.used -= 1;
        }
    }

    /// Whether another call of this account may wait to come in: it has no more than there is room left.
    fn has_room(&self, account: &Account) -> bool {
        let free = QUEUE.saturating_sub(self.coming);
        let share = self.accounts.get(account);
        let own = share.map_or(0, |share| share.waiting[Way::Coming as usize].len());
        free > 0 && (*account == Account::Local || own < free)
    }

    fn push(&mut self, account: &Account, way: Way, waiter: Waiter) {
        let share = self.accounts.entry(account.clone()).or_default();
        let waiting = &mut share.waiting[way as usize];
        waiting.push_back(waiter);
        if waiting.len() == 1 {
            self.turns[way as usize].push_back(account.clone());
        }
        if way == Way::Coming {
            self.coming += 1;
        }
    }

    /// Whose turn it is, of those that may have a place, and how many have left the queue. `places`: it is one of so many
    /// that are shared out; none: anybody may have it.
    /// `slow`: who comes needs a ticket.
    fn next(
        &mut self,
        now: Instant,
        slow: bool,
        places: Option<usize>,
    ) -> (Option<(Account, Waiter)>, usize) {
        let mut gone = 0;
        for way in [Way::Within, Way::Coming] {
            if way == Way::Coming && slow && self.tickets == 0 {
                break;
            }
            for _ in 0..self.turns[way as usize].len() {
                let Some(account) = self.turns[way as usize].pop_front() else {
                    break;
                };
                if places.is_some_and(|places| !self.may(&account, places)) {
                    self.turns[way as usize].push_back(account);
                    continue;
                }
                let (waiter, left) = self.pop(&account, way, now);
                gone += left;
                if let Some(waiter) = waiter {
                    if way == Way::Coming {
                        self.tickets = self.tickets.saturating_sub(1);
                    }
                    return (Some((account, waiter)), gone);
                }
                self.tidy(&account);
            }
        }
        (None, gone)
    }

    /// The account's next, and how many have left. Those who gave up are passed over.
    fn pop(&mut self, account: &Account, way: Way, now: Instant) -> (Option<Waiter>, usize) {
        let Some(share) = self.accounts.get_mut(account) else {
            return (None, 0);
        };
        let mut gone = 0;
        let next = loop {
            let Some(waiter) = share.waiting[way as usize].pop_front() else {
                break None;
            };
            gone += 1;
            if !waiter.place.is_closed() {
                break Some(waiter);
            }
        };
        if way == Way::Coming {
            self.coming -= gone;
            if let Some(waiter) = &next {
                share.note(now, now.duration_since(waiter.since));
            }
        }
        if !share.waiting[way as usize].is_empty() {
            self.turns[way as usize].push_back(account.clone());
        }
        (next, gone)
    }

    /// Forgets those of an account who gave up and stand first; says how many.
    fn forget(&mut self, account: &Account, way: Way) -> usize {
        let Some(share) = self.accounts.get_mut(account) else {
            return 0;
        };
        let waiting = &mut share.waiting[way as usize];
        let gone = waiting
            .iter()
            .take_while(|waiter| waiter.place.is_closed())
            .count();
        if gone == 0 {
            return 0;
        }
        waiting.drain(..gone);
        if waiting.is_empty() {
            self.turns[way as usize].retain(|turn| turn != account);
        }
        if way == Way::Coming {
            self.coming -= gone;
        }
        gone
    }

    /// Nothing is kept of an account that has nothing and wants nothing.
    fn tidy(&mut self, account: &Account) {
        let idle = self
            .accounts
            .get(account)
            .is_some_and(|share| share.used == 0 && share.waiting.iter().all(VecDeque::is_empty));
        if idle {
            self.accounts.remove(account);
        }
    }
}

impl Share {
    /// A call has come in after waiting for so long.
    fn note(&mut self, now: Instant, waited: Duration) {
        if waited < TARGET {
            self.slow_since = None;
            self.overloaded = false;
            return;
        }
        let since = *self.slow_since.get_or_insert(now);
        self.overloaded |= now.duration_since(since) >= INTERVAL;
    }
}

impl Place {
    fn new(gate: &Arc<Gate>, of: Option<Account>) -> Self {
        Self {
            gate: Some(gate.clone()),
            of,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.give_back(self.of.as_ref());
        }
    }
}

impl Held<'_> {
    /// Ready when the call has a place, or has waited for one long enough.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.place.is_some() {
            return Poll::Ready(());
        }
        if self.waits.is_none() {
            self.place = self.gate.take(self.account, Way::Within);
            if self.place.is_some() {
                return Poll::Ready(());
            }
        }
        let waits = self.waits.get_or_insert_with(|| {
            Box::pin(self.gate.clone().wait(self.account.clone(), Way::Within))
        });
        self.place = ready!(waits.as_mut().poll(context)).ok();
        self.waits = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
