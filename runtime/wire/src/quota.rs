//! A quota on what callers share, with a fair share for each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::Account;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A bound on a resource that all accounts share.
///
/// An account may have no more than is free: one account alone gets at most half, two that do the same a third each,
/// and an account that has nothing yet finds room. (The rule by which switches share a packet buffer: Choudhury and
/// Hahne, "Dynamic queue length thresholds", 1998, with α = 1.) [`Account::Local`] is only bound by the whole.
#[derive(Debug)]
pub struct Quota {
    max: usize,
    used: Mutex<Used>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Used {
    total: usize,
    by_account: HashMap<Account, usize>,
}

/// A part of a quota that is in use. Dropping it frees the part.
#[derive(Debug)]
pub struct Permit {
    quota: Arc<Quota>,
    account: Account,
    amount: usize,
}

impl Quota {
    /// Creates a quota of `max` for all accounts together.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            used: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// The bound for all accounts together.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The amount in use.
    pub fn used(&self) -> usize {
        self.used.lock().total
    }

    /// Takes an amount for an account; `None` if it is not free, or if the account has its share.
    pub fn take(self: &Arc<Self>, account: &Account, amount: usize) -> Option<Permit> {
        self.add(account, amount).then(|| Permit {
            quota: self.clone(),
            account: account.clone(),
            amount,
        })
    }

    /// As [`take`](Self::take), waiting until the deadline.
    pub async fn take_by(
        self: &Arc<Self>,
        account: &Account,
        amount: usize,
        deadline: Instant,
    ) -> Option<Permit> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // Anything freed from here on wakes this future.
            freed.as_mut().enable();
            if let Some(permit) = self.take(account, amount) {
                return Some(permit);
            }
            tokio::time::timeout_at(deadline, freed).await.ok()?;
        }
    }

    fn add(&self, account: &Account, amount: usize) -> bool {
        let mut used = self.used.lock();
        let free = self.max.saturating_sub(used.total);
        if amount > free {
            return false;
        }
        match used.by_account.entry(account.clone()) {
            Entry::Occupied(mut own) => {
                let after = own.get() + amount;
                if *account != Account::Local && after > free {
                    return false;
                }
                own.insert(after);
            }
            Entry::Vacant(own) => {
                own.insert(amount);
            }
        }
        used.total += amount;
        true
    }

    fn give_back(&self, account: &Account, amount: usize) {
        let mut used = self.used.lock();
        used.total -= amount;
        if let Some(own) = used.by_account.get_mut(account) {
            *own -= amount;
            if *own == 0 {
                used.by_account.remove(account);
            }
        }
        drop(used);
        self.freed.notify_waiters();
    }
}

impl Permit {
    /// Changes the permit's amount. Returns `false` and changes nothing if more is not available.
    pub fn resize(&mut self, amount: usize) -> bool {
        match amount.checked_sub(self.amount) {
            Some(0) => return true,
            Some(more) if !self.quota.add(&self.account, more) => return false,
            Some(_) => {}
            None => self.quota.give_back(&self.account, self.amount - amount),
        }
        self.amount = amount;
        true
    }

    /// The account of the permit.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.quota.give_back(&self.account, self.amount);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(name: &str) -> Account {
        Account::Client(name.into())
    }

    fn fill(quota: &Arc<Quota>, account: &Account) -> Vec<Permit> {
        std::iter::from_fn(|| quota.take(account, 1)).collect()
    }

    #[test]
    fn one_account_has_half_at_the_most_and_another_finds_room() {
        let quota = Quota::new(100);
        let hostile = fill(&quota, &client("eve"));
        assert_eq!(hostile.len(), 50);
        let honest = fill(&quota, &client("ada"));
        assert_eq!(honest.len(), 25);
        assert!(quota.take(&client("bob"), 1).is_some());
    }

    #[test]
    fn the_only_place_is_had_by_whoever_comes_first() {
        let quota = Quota::new(1);
        let held = quota.take(&client("ada"), 1);
        assert!(held.is_some() && quota.take(&client("bob"), 1).is_none());
        drop(held);
        assert!(quota.take(&client("bob"), 1).is_some());
    }

    #[test]
    fn the_local_client_has_all_there_is() {
        assert_eq!(fill(&Quota::new(10), &Account::Local).len(), 10);
    }

    #[test]
    fn what_grows_and_shrinks_is_counted_as_it_is() {
        let quota = Quota::new(100);
        let Some(mut permit) = quota.take(&client("ada"), 10) else {
            panic!("a tenth is to be had");
        };
        assert!(permit.resize(50) && !permit.resize(60));
        assert_eq!(quota.used(), 50);
        assert!(permit.resize(5));
        assert_eq!(quota.used(), 5);
        drop(permit);
        assert_eq!(quota.used(), 0);
        assert!(quota.used.lock().by_account.is_empty());
    }

    proptest! {
        #[test]
        fn no_order_of_taking_and_giving_back_goes_over_the_bound_or_loses_count(
            steps in prop::collection::vec((0u8..4, 0usize..40, any::<bool>()), 0..200),
        ) {
            let quota = Quota::new(100);
            let mut held: Vec<Permit> = Vec::new();
            for (who, amount, back) in steps {
                if back {
                    held.pop();
                } else {
                    held.extend(quota.take(&client(&who.to_string()), amount));
                }
                let sum: usize = held.iter().map(|permit| permit.amount).sum();
                prop_assert_eq!(quota.used(), sum);
                prop_assert!(sum <= 100);
            }
        }
    }
}
