//! The limit of concurrent runs of one interceptor by one caller. A payload that makes a policy slow then takes a place
//! from its own sender and from nobody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sandgate_message::{Account, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accounts whose semaphore is kept. Beyond that, semaphores of accounts without a run are dropped.
const MAX_ACCOUNTS: usize = 1024;

/// The permits of one interceptor: some for each account, and those of the instance pool for all.
pub(crate) struct ConcurrencyLimit {
    /// Runs that one account may have at once.
    per_account: usize,
    pool: Arc<Semaphore>,
    by_account: Mutex<HashMap<Account, Arc<Semaphore>>>,
}

/// The right to run. It is held during the run.
pub(crate) struct Permit {
    _own: OwnedSemaphorePermit,
    _pool: OwnedSemaphorePermit,
}

impl ConcurrencyLimit {
    pub(crate) fn new(per_account: usize, pool: Arc<Semaphore>) -> Self {
        Self {
            per_account,
            pool,
            by_account: Mutex::default(),
        }
    }

    /// Waits until the deadline for a permit of the account and one of the pool.
    ///
    /// # Errors
    /// [`Failure::Overload`]: one of them was not free in time.
    pub(crate) async fn acquire(
        &self,
        account: &Account,
        deadline: Instant,
    ) -> Result<Permit, Failure> {
        let own = acquire(self.semaphore(account), deadline).await;
        let own = own.ok_or(Failure::Overload("one of its caller's places"))?;
        let pool = acquire(self.pool.clone(), deadline).await;
        let pool = pool.ok_or(Failure::Overload("a place in the instance pool"))?;
        Ok(Permit {
            _own: own,
            _pool: pool,
        })
    }

    fn semaphore(&self, account: &Account) -> Arc<Semaphore> {
        let mut all = self.by_account.lock();
        if let Some(semaphore) = all.get(account) {
            return semaphore.clone();
        }
        if all.len() >= MAX_ACCOUNTS {
            all.retain(|_, semaphore| {
                Arc::strong_count(semaphore) > 1 || semaphore.available_permits() < self.per_account
            });
        }
        let semaphore = Arc::new(Semaphore::new(self.per_account));
        all.insert(account.clone(), semaphore.clone());
        semaphore
    }
}

async fn acquire(semaphore: Arc<Semaphore>, deadline: Instant) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = semaphore.clone().try_acquire_owned() {
        return Some(permit);
    }
    tokio::time::timeout_at(deadline.into(), semaphore.acquire_owned())
        .await
        .ok()?
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    fn client(name: &str) -> Account {
        Account::Client(name.into())
    }

    #[tokio::test]
    async fn a_caller_with_all_its_places_taken_waits_and_nobody_else_does() {
        let places = ConcurrencyLimit::new(1, Arc::new(Semaphore::new(10)));
        let (ann, bob) = (client("ann"), client("bob"));
        let soon = || Instant::now() + Duration::from_millis(20);
        let held = places.acquire(&ann, soon()).await.unwrap();
        let none = places.acquire(&ann, soon()).await.err();
        assert_eq!(none.map(|failure| failure.kind()), Some("overload"));
        assert!(places.acquire(&bob, soon()).await.is_ok());
        assert!(places.acquire(&Account::Local, soon()).await.is_ok());
        drop(held);
        assert!(places.acquire(&ann, soon()).await.is_ok());
    }

    #[tokio::test]
    async fn callers_without_a_run_are_forgotten() {
        let places = ConcurrencyLimit::new(1, Arc::new(Semaphore::new(10)));
        let later = Instant::now() + Duration::from_secs(1);
        let busy = client("busy");
        let held = places.acquire(&busy, later).await.unwrap();
        for n in 0..3 * MAX_ACCOUNTS {
            places
                .acquire(&client(&n.to_string()), later)
                .await
                .unwrap();
        }
        let remembered = places.by_account.lock();
        assert!(remembered.len() <= MAX_ACCOUNTS && remembered.contains_key(&busy));
        drop(held);
    }
}
