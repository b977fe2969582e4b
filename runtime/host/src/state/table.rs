//! One interceptor's keys and values.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sandgate_message::Account;

use super::StateQuota;
use super::file::Journal;

/// What an operation can come to instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateFailure {
    /// Over a bound of [`StateQuota`].
    Quota,
    /// Not now, or not with this value; says why.
    Unavailable(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    /// Whose call wrote it: against that account's share of the quota it counts.
    pub(crate) account: Account,
    /// Milliseconds since the Unix epoch, so that it means the same after a restart.
    pub(crate) expires: Option<u64>,
}

impl Entry {
    fn gone(&self, now: u64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// Keys and values under one lock: every operation is one step to all others.
pub(crate) struct Table {
    quota: StateQuota,
    inner: Mutex<Inner>,
    journal: Option<Journal>,
    /// Milliseconds since the Unix epoch, where another clock than the machine's is meant.
    clock: Option<Arc<AtomicU64>>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Entry>,
    all: Used,
    by_account: HashMap<Account, Used>,
}

/// How much of the quota is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    bytes: usize,
    keys: usize,
}

impl Used {
    fn of(key: &str, entry: &Entry) -> Self {
        Self {
            bytes: key.len() + entry.value.len(),
            keys: 1,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            keys: self.keys + other.keys,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            keys: self.keys.saturating_sub(other.keys),
        }
    }

    fn within(self, other: Self) -> bool {
        self.bytes <= other.bytes && self.keys <= other.keys
    }
}

impl Inner {
    fn insert(&mut self, key: String, entry: Entry) {
        self.remove(&key);
        let used = Used::of(&key, &entry);
        self.all = self.all.plus(used);
        let own = self.by_account.entry(entry.account.clone()).or_default();
        *own = own.plus(used);
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &str) -> bool {
        let Some(old) = self.entries.remove(key) else {
            return false;
        };
        let used = Used::of(key, &old);
        self.all = self.all.minus(used);
        if let Some(own) = self.by_account.get_mut(&old.account) {
            *own = own.minus(used);
            if own.keys == 0 {
                self.by_account.remove(&old.account);
            }
        }
        true
    }

    /// Whether there is room for the entry, and it is within its account's share: an account may have no more than would
    /// be free without it, so that one that fills its share leaves as much to others.
    fn has_room_for(&self, key: &str, entry: &Entry, quota: &StateQuota) -> bool {
        let whole = Used {
            bytes: quota.bytes,
            keys: quota.keys,
        };
        let (mut all, mut own) = (
            self.all,
            self.by_account
                .get(&entry.account)
                .copied()
                .unwrap_or_default(),
        );
        if let Some(old) = self.entries.get(key) {
            all = all.minus(Used::of(key, old));
            if old.account == entry.account {
                own = own.minus(Used::of(key, old));
            }
        }
        let new = Used::of(key, entry);
        let shared = entry.account != Account::Local;
        // What does not grow stays within any share.
        let grows = match self.entries.get(key) {
            Some(old) if old.account == entry.account => entry.value.len() > old.value.len(),
            _ => true,
        };
        let within_share = !shared || !grows || own.plus(new).within(whole.minus(all));
        all.plus(new).within(whole) && within_share
    }
}

impl Table {
    pub(crate) fn new(quota: StateQuota, journal: Option<Journal>) -> Self {
        Self {
            quota,
            inner: Mutex::default(),
            journal,
            clock: None,
        }
    }

    /// In memory, by this clock.
    pub(super) fn by(clock: Arc<AtomicU64>, quota: StateQuota) -> Self {
        Self {
            clock: Some(clock),
            ..Self::new(quota, None)
        }
    }

    fn now(&self) -> u64 {
        match &self.clock {
            None => now(),
            Some(clock) => clock.load(Ordering::Relaxed),
        }
    }

    /// Another one that begins with what stands here, and leaves no mark here or in a file.
    pub(super) fn copy(&self) -> Self {
        let inner = self.inner.lock();
        Self {
            quota: self.quota,
            inner: Mutex::new(Inner {
                entries: inner.entries.clone(),
                all: inner.all,
                by_account: inner.by_account.clone(),
            }),
            journal: None,
            clock: self.clock.clone(),
        }
    }

    /// Puts in what a file held.
    pub(super) fn load(&self, key: String, entry: Entry) {
        self.inner.lock().insert(key, entry);
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let now = self.now();
        self.inner
            .lock()
            .entries
            .get(key)
            .filter(|entry| !entry.gone(now))
            .map(|entry| entry.value.clone())
    }

    pub(crate) fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        account: &Account,
    ) -> Result<(), StateFailure> {
        let now = self.now();
        let entry = Entry {
            value,
            account: account.clone(),
            expires: ttl_ms.map(|ttl| now.saturating_add(ttl)),
        };
        self.put(&mut self.inner.lock(), key, entry, now)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), StateFailure> {
        self.writable()?;
        self.take(&mut self.inner.lock(), key);
        Ok(())
    }

    pub(crate) fn increment(
        &self,
        key: &str,
        by: i64,
        ttl_ms: Option<u64>,
        account: &Account,
    ) -> Result<i64, StateFailure> {
        let now = self.now();
        let mut inner = self.inner.lock();
        let (old, expires) = match inner.entries.get(key).filter(|entry| !entry.gone(now)) {
            None => (0, ttl_ms.map(|ttl| now.saturating_add(ttl))),
            Some(entry) => match entry.value.as_slice().try_into() {
                Ok(bytes) => (i64::from_le_bytes(bytes), entry.expires),
                Err(_) => return Err(StateFailure::Unavailable("the value is no counter".into())),
            },
        };
        let new = old
            .checked_add(by)
            .ok_or_else(|| StateFailure::Unavailable("the counter is full".into()))?;
        self.put(
            &mut inner,
            key,
            Entry {
                value: new.to_le_bytes().into(),
                account: account.clone(),
                expires,
            },
            now,
        )?;
        Ok(new)
    }

    pub(crate) fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        account: &Account,
    ) -> Result<bool, StateFailure> {
        let now = self.now();
        let mut inner = self.inner.lock();
        let stands = inner
            .entries
            .get(key)
            .filter(|entry| !entry.gone(now))
            .map(|entry| entry.value.as_slice());
        if stands != expected {
            return Ok(false);
        }
        self.put(
            &mut inner,
            key,
            Entry {
                value,
                account: account.clone(),
                expires: ttl_ms.map(|ttl| now.saturating_add(ttl)),
            },
            now,
        )?;
        Ok(true)
    }

    /// What stands in it now.
    pub(super) fn entries(&self) -> BTreeMap<String, Vec<u8>> {
        let now = self.now();
        let inner = self.inner.lock();
        let stands = inner.entries.iter().filter(|(_, entry)| !entry.gone(now));
        stands
            .map(|(key, entry)| (key.clone(), entry.value.clone()))
            .collect()
    }

    fn writable(&self) -> Result<(), StateFailure> {
        match self.journal.as_ref().and_then(Journal::trouble) {
            None => Ok(()),
            Some(why) => Err(StateFailure::Unavailable(why)),
        }
    }

    fn put(
        &self,
        inner: &mut Inner,
        key: &str,
        entry: Entry,
        now: u64,
    ) -> Result<(), StateFailure> {
        self.writable()?;
        if key.len() > self.quota.key || entry.value.len() > self.quota.value {
            return Err(StateFailure::Quota);
        }
        if !inner.has_room_for(key, &entry, &self.quota) {
            self.sweep(inner, now);
            if !inner.has_room_for(key, &entry, &self.quota) {
                return Err(StateFailure::Quota);
            }
        }
        if let Some(journal) = &self.journal {
            journal.wrote(key, Some(entry.clone()));
        }
        inner.insert(key.into(), entry);
        Ok(())
    }
    fn take(&self, inner: &mut Inner, key: &str) {
        if inner.remove(key)
            && let Some(journal) = &self.journal
        {
            journal.wrote(key, None);
        }
    }
    /// Drops what has expired; only when room is needed, so that the usual operation stays short.
    fn sweep(&self, inner: &mut Inner, now: u64) {
        let gone: Vec<_> = inner
            .entries
            .iter()
            .filter(|(_, e)| e.gone(now))
            .map(|(k, _)| k.clone())
            .collect();
        for key in gone {
            self.take(inner, &key);
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table(quota: StateQuota) -> Table {
        Table::new(quota, None)
    }

    #[test]
    fn a_value_stands_until_it_is_deleted_or_expires() {
        let table = table(StateQuota::default());
        table
            .set("a", b"1".to_vec(), None, &Account::Local)
            .unwrap();
        table
            .set("b", b"2".to_vec(), Some(0), &Account::Local)
            .unwrap();
        assert_eq!(table.get("a").unwrap(), b"1");
        assert_eq!(table.get("b"), None);
        table.delete("a").unwrap();
        assert_eq!(table.get("a"), None);
    }

    #[test]
    fn a_counter_is_a_window_of_its_first_ttl() {
        let table = table(StateQuota::default());
        assert_eq!(
            table.increment("n", 2, Some(60_000), &Account::Local),
            Ok(2)
        );
        assert_eq!(table.increment("n", 3, Some(0), &Account::Local), Ok(5));
        assert_eq!(table.get("n").unwrap(), 5_i64.to_le_bytes());
        table
            .set("word", b"word".to_vec(), None, &Account::Local)
            .unwrap();
        assert!(matches!(
            table.increment("word", 1, None, &Account::Local),
            Err(StateFailure::Unavailable(_))
        ));
        table
            .set(
                "full",
                i64::MAX.to_le_bytes().to_vec(),
                None,
                &Account::Local,
            )
            .unwrap();
        assert!(matches!(
            table.increment("full", 1, None, &Account::Local),
            Err(StateFailure::Unavailable(_))
        ));
    }

    #[test]
    fn compare_and_set_changes_only_what_was_expected() {
        let table = table(StateQuota::default());
        assert_eq!(
            table.compare_and_set("a", Some(b"x"), b"1".to_vec(), None, &Account::Local),
            Ok(false)
        );
        assert_eq!(
            table.compare_and_set("a", None, b"1".to_vec(), None, &Account::Local),
            Ok(true)
        );
        assert_eq!(
            table.compare_and_set("a", None, b"2".to_vec(), None, &Account::Local),
            Ok(false)
        );
        assert_eq!(
            table.compare_and_set("a", Some(b"1"), b"2".to_vec(), None, &Account::Local),
            Ok(true)
        );
        assert_eq!(table.get("a").unwrap(), b"2");
    }

    #[test]
    fn the_quota_holds_and_the_expired_make_room() {
        let quota = StateQuota {
            bytes: 10,
            keys: 2,
            key: 4,
            value: 8,
        };
        let table = table(quota);
        assert_eq!(
            table.set("longer", vec![], None, &Account::Local),
            Err(StateFailure::Quota)
        );
        assert_eq!(
            table.set("a", vec![0; 9], None, &Account::Local),
            Err(StateFailure::Quota)
        );
        table
            .set("a", vec![0; 8], Some(0), &Account::Local)
            .unwrap();
        table.set("b", vec![0; 8], None, &Account::Local).unwrap();
        assert_eq!(
            table.set("c", vec![0; 2], None, &Account::Local),
            Err(StateFailure::Quota)
        );
        table.set("b", vec![0; 1], None, &Account::Local).unwrap();
        table.set("c", vec![0; 2], None, &Account::Local).unwrap();
        assert_eq!(
            table.set("d", vec![], None, &Account::Local),
            Err(StateFailure::Quota),
            "a third key"
        );
    }

    #[test]
    fn an_account_that_fills_its_share_leaves_room_for_others() {
        let quota = StateQuota {
            bytes: 1000,
            keys: 100,
            key: 10,
            value: 100,
        };
        let table = table(quota);
        let (eve, ada) = (Account::Client("eve".into()), Account::Client("ada".into()));
        let fill = |account: &Account, prefix: &str| {
            let keys = (0..200).map(|n| format!("{prefix}{n}"));
            keys.filter(|key| table.set(key, vec![0; 6], None, account).is_ok())
                .count()
        };
        assert_eq!(fill(&eve, "e"), 50);
        assert_eq!(fill(&ada, "a"), 25);
        // What it has may change, and what it gives up is free again.
        table.set("e0", vec![1; 6], None, &eve).unwrap();
        assert_eq!(
            table.set("b", vec![0; 6], None, &eve),
            Err(StateFailure::Quota)
        );
        for n in 0..50 {
            table.delete(&format!("e{n}")).unwrap();
        }
        assert!(!table.inner.lock().by_account.contains_key(&eve));
        table.set("b", vec![0; 6], None, &eve).unwrap();
    }
}
