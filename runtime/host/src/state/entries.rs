//! The entries of one interceptor's state, and how much of the quota each account uses.

use std::collections::HashMap;

use sandgate_message::Account;

use super::quota::{StateQuota, Usage};

/// One value with its owner and its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    /// The account whose call wrote the value. The entry counts against this account's share of the quota.
    pub(crate) account: Account,
    /// Milliseconds since the Unix epoch, so that the expiry means the same after a restart. `None`: never.
    pub(crate) expires: Option<u64>,
}

impl Entry {
    pub(super) fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    fn usage(&self, key: &str) -> Usage {
        Usage {
            bytes: key.len() + self.value.len(),
            keys: 1,
        }
    }
}

/// Keys and values, with their usage kept up to date in total and by account.
#[derive(Clone, Default)]
pub(super) struct Entries {
    by_key: HashMap<String, Entry>,
    total: Usage,
    pub(super) by_account: HashMap<Account, Usage>,
}

impl Entries {
    /// The entry under `key`, unless it has expired at `now`.
    pub(super) fn live(&self, key: &str, now: u64) -> Option<&Entry> {
        self.by_key.get(key).filter(|entry| !entry.is_expired(now))
    }

    /// All entries, expired ones included.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.by_key.iter()
    }

    pub(super) fn insert(&mut self, key: String, entry: Entry) {
        self.remove(&key);
        let used = entry.usage(&key);
        self.total = self.total.plus(used);
        let own = self.by_account.entry(entry.account.clone()).or_default();
        *own = own.plus(used);
        self.by_key.insert(key, entry);
    }

    /// Removes the entry under `key`. Returns whether there was one.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Some(old) = self.by_key.remove(key) else {
            return false;
        };
        let used = old.usage(key);
        self.total = self.total.minus(used);
        if let Some(own) = self.by_account.get_mut(&old.account) {
            *own = own.minus(used);
            if own.keys == 0 {
                self.by_account.remove(&old.account);
            }
        }
        true
    }

    /// Whether `entry` fits into the quota and into its account's share. An account may use at most as much as would be
    /// free without its own entries, so an account that fills its share leaves the same amount to others.
    /// [`Account::Local`] has no share: the whole quota is open to it.
    pub(super) fn has_room_for(&self, key: &str, entry: &Entry, quota: &StateQuota) -> bool {
        let whole = Usage {
            bytes: quota.bytes,
            keys: quota.keys,
        };
        let (mut all, mut own) = (
            self.total,
            self.by_account
                .get(&entry.account)
                .copied()
                .unwrap_or_default(),
        );
        if let Some(old) = self.by_key.get(key) {
            all = all.minus(old.usage(key));
            if old.account == entry.account {
                own = own.minus(old.usage(key));
            }
        }
        let new = entry.usage(key);
        let shared = entry.account != Account::Local;
        // A value that an account replaces without growth stays allowed, even if others have shrunk the share since.
        let grows = match self.by_key.get(key) {
            Some(old) if old.account == entry.account => entry.value.len() > old.value.len(),
            _ => true,
        };
        let within_share = !shared || !grows || own.plus(new).fits_in(whole.minus(all));
        all.plus(new).fits_in(whole) && within_share
    }
}
