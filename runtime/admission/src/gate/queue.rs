//! The queue for places at the gate: whose turn it is, and who waits too long.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use sandgate_message::Account;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The wait of a new call that is acceptable at normal load.
pub(super) const TARGET: Duration = Duration::from_millis(100);
/// How long waits must exceed [`TARGET`] before an account counts as overloaded.
const INTERVAL: Duration = Duration::from_millis(500);
/// The most new calls in the queue, of all accounts.
pub(super) const QUEUE: usize = 2048;

/// The queue for places, whatever a place is.
#[derive(Debug)]
pub(super) struct Queue<Place> {
    /// The number of shared-out places in use.
    pub(super) used: usize,
    /// The number of new calls in the queue.
    pub(super) coming: usize,
    /// How many new calls this lap may still admit, while laps take long.
    pub(super) tickets: usize,
    pub(super) accounts: HashMap<Account, Share<Place>>,
    /// The accounts with waiting calls, by [`Way`]; the first is next.
    pub(super) turns: [VecDeque<Account>; 2],
}

/// One account's share.
#[derive(Debug)]
pub(super) struct Share<Place> {
    pub(super) used: usize,
    /// The waiting calls, by [`Way`].
    pub(super) waiting: [VecDeque<Waiter<Place>>; 2],
    /// The time since which every admitted call had waited for [`TARGET`].
    pub(super) slow_since: Option<Instant>,
    pub(super) overloaded: bool,
}

/// A waiting call.
#[derive(Debug)]
pub(super) struct Waiter<Place> {
    pub(super) place: oneshot::Sender<Place>,
    pub(super) since: Instant,
}

/// The stage of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In flight: a server may have carried the call out, or sent it. It is not refused.
    Within = 0,
    /// New: nothing has been done for the call yet.
    Coming = 1,
}

impl<Place> Default for Queue<Place> {
    fn default() -> Self {
        Self {
            used: 0,
            coming: 0,
            tickets: 0,
            accounts: HashMap::new(),
            turns: Default::default(),
        }
    }
}

impl<Place> Default for Share<Place> {
    fn default() -> Self {
        Self {
            used: 0,
            waiting: Default::default(),
            slow_since: None,
            overloaded: false,
        }
    }
}

impl<Place> Queue<Place> {
    /// Takes one of the shared-out places, if the account may have it.
    pub(super) fn take(&mut self, account: &Account, places: usize) -> bool {
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

    pub(super) fn add(&mut self, account: &Account) {
        self.used += 1;
        self.accounts.entry(account.clone()).or_default().used += 1;
    }

    pub(super) fn remove(&mut self, account: &Account) {
        self.used -= 1;
        if let Some(share) = self.accounts.get_mut(account) {
            share.used -= 1;
        }
    }

    /// Whether one more new call of this account may wait: it may have fewer waiting than there is room left.
    pub(super) fn has_room(&self, account: &Account) -> bool {
        let free = QUEUE.saturating_sub(self.coming);
        let share = self.accounts.get(account);
        let own = share.map_or(0, |share| share.waiting[Way::Coming as usize].len());
        free > 0 && (*account == Account::Local || own < free)
    }

    pub(super) fn push(&mut self, account: &Account, way: Way, waiter: Waiter<Place>) {
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

    /// Takes the next call that may have a place. Also returns how many calls left the queue. `places` is the number of
    /// shared-out places, `None` for an unreserved place. With `slow`, a new call needs a ticket.
    pub(super) fn next(
        &mut self,
        now: Instant,
        slow: bool,
        places: Option<usize>,
    ) -> (Option<(Account, Waiter<Place>)>, usize) {
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

    /// Takes the account's next call. Also returns how many calls left the queue; those that gave up are skipped.
    fn pop(&mut self, account: &Account, way: Way, now: Instant) -> (Option<Waiter<Place>>, usize) {
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

    /// Removes calls that gave up from the front of an account's queue. Returns their number.
    pub(super) fn forget(&mut self, account: &Account, way: Way) -> usize {
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

    /// Removes an account without places and without waiting calls.
    pub(super) fn tidy(&mut self, account: &Account) {
        let idle = self
            .accounts
            .get(account)
            .is_some_and(|share| share.used == 0 && share.waiting.iter().all(VecDeque::is_empty));
        if idle {
            self.accounts.remove(account);
        }
    }
}

impl<Place> Share<Place> {
    /// Notes how long an admitted call has waited.
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
