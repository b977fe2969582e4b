//! How often an account may be told that a message of its own holds a value that the gateway keeps.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use sandgate_message::Account;

/// How many messages of one account are refused for a value within [`PERIOD`] before all are.
const MOST: u32 = 5;
const PERIOD: Duration = Duration::from_secs(60);
/// The accounts that are remembered.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// The refused messages of each account. Who has a list of values that may be in use learns so few of them a minute.
pub struct Guesses(Mutex<LruCache<Account, (Instant, u32)>>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS)))
    }
}

impl Guesses {
    /// Counts a refused message.
    pub fn count(&self, account: &Account, now: Instant) {
        let mut accounts = self.0.lock();
        let (since, count) = accounts.get_or_insert_mut(account.clone(), || (now, 0));
        if now.duration_since(*since) >= PERIOD {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }

    /// Whether the account has to wait before any message of its own is looked at.
    pub fn are_too_many(&self, account: &Account, now: Instant) -> bool {
        let accounts = self.0.lock();
        accounts
            .peek(account)
            .is_some_and(|(since, count)| *count >= MOST && now.duration_since(*since) < PERIOD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_an_account_waits_for_the_rest_of_the_minute_and_others_do_not() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let (ada, bob) = (Account::Client("ada".into()), Account::Client("bob".into()));
        for _ in 0..5 {
            assert!(!guesses.are_too_many(&ada, now));
            guesses.count(&ada, now);
        }
        assert!(guesses.are_too_many(&ada, now + PERIOD / 2));
        assert!(!guesses.are_too_many(&bob, now));
        assert!(!guesses.are_too_many(&ada, now + PERIOD));
        guesses.count(&ada, now + PERIOD);
        assert!(!guesses.are_too_many(&ada, now + PERIOD));
    }
}
