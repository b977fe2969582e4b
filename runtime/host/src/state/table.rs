//! One interceptor's state: its keys and values, and the operations on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sandgate_message::Account;

use super::entries::{Entries, Entry};
use super::journal::Journal;
use super::quota::StateQuota;

/// Why an operation on the state has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateFailure {
    /// The operation would exceed a bound of [`StateQuota`].
    Quota,
    /// The state file cannot be written at present, or the value does not fit the operation. The text says which.
    Unavailable(String),
}

/// The keys and values of one interceptor. One lock guards them all, so every operation is atomic.
pub(crate) struct Table {
    quota: StateQuota,
    entries: Mutex<Entries>,
    /// Where changes are reported to the state file. `None`: the table is in memory only.
    journal: Option<Journal>,
    /// The time in milliseconds since the Unix epoch. `None`: the machine's clock tells it.
    clock: Option<Arc<AtomicU64>>,
}

impl Table {
    pub(crate) fn new(quota: StateQuota, journal: Option<Journal>) -> Self {
        Self {
            quota,
            entries: Mutex::default(),
            journal,
            clock: None,
        }
    }

    /// A table in memory only, whose entries expire by `clock` instead of the machine's clock.
    pub(super) fn with_clock(clock: Arc<AtomicU64>, quota: StateQuota) -> Self {
        Self {
            clock: Some(clock),
            ..Self::new(quota, None)
        }
    }

    fn now(&self) -> u64 {
        match &self.clock {
            None => system_time(),
            Some(clock) => clock.load(Ordering::Relaxed),
        }
    }

    /// A table in memory only that starts with the present entries. Changes to the copy reach neither this table nor
    /// the state file.
    pub(super) fn copy(&self) -> Self {
        Self {
            quota: self.quota,
            entries: Mutex::new(self.entries.lock().clone()),
            journal: None,
            clock: self.clock.clone(),
        }
    }

    /// Inserts an entry that was read from the state file. It is not written again, and its quota was checked when it
    /// was first written.
    pub(super) fn load(&self, key: String, entry: Entry) {
        self.entries.lock().insert(key, entry);
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let now = self.now();
        self.entries
            .lock()
            .live(key, now)
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
        self.insert(&mut self.entries.lock(), key, entry, now)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), StateFailure> {
        self.check_writable()?;
        self.remove(&mut self.entries.lock(), key);
        Ok(())
    }

    /// Adds `by` to a counter and returns the sum. A counter starts at 0 and keeps the expiry of its first increment.
    pub(crate) fn increment(
        &self,
        key: &str,
        by: i64,
        ttl_ms: Option<u64>,
        account: &Account,
    ) -> Result<i64, StateFailure> {
        let now = self.now();
        let mut entries = self.entries.lock();
        let (old, expires) = match entries.live(key, now) {
            None => (0, ttl_ms.map(|ttl| now.saturating_add(ttl))),
            Some(entry) => match entry.value.as_slice().try_into() {
                Ok(bytes) => (i64::from_le_bytes(bytes), entry.expires),
                Err(_) => return Err(StateFailure::Unavailable("the value is no counter".into())),
            },
        };
        let new = old
            .checked_add(by)
            .ok_or_else(|| StateFailure::Unavailable("the counter is full".into()))?;
        let entry = Entry {
            value: new.to_le_bytes().into(),
            account: account.clone(),
            expires,
        };
        self.insert(&mut entries, key, entry, now)?;
        Ok(new)
    }

    /// Sets `key` to `value` if it holds `expected` at present (`None`: if there is no such key). Returns whether it
    /// did.
    pub(crate) fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
        account: &Account,
    ) -> Result<bool, StateFailure> {
        let now = self.now();
        let mut entries = self.entries.lock();
        let present = entries.live(key, now).map(|entry| entry.value.as_slice());
        if present != expected {
            return Ok(false);
        }
        let entry = Entry {
            value,
            account: account.clone(),
            expires: ttl_ms.map(|ttl| now.saturating_add(ttl)),
        };
        self.insert(&mut entries, key, entry, now)?;
        Ok(true)
    }

    /// The keys and values that have not expired.
    pub(super) fn entries(&self) -> BTreeMap<String, Vec<u8>> {
        let now = self.now();
        let entries = self.entries.lock();
        let live = entries.iter().filter(|(_, entry)| !entry.is_expired(now));
        live.map(|(key, entry)| (key.clone(), entry.value.clone()))
            .collect()
    }

    fn check_writable(&self) -> Result<(), StateFailure> {
        match self.journal.as_ref().and_then(Journal::failure) {
            None => Ok(()),
            Some(why) => Err(StateFailure::Unavailable(why)),
        }
    }

    fn insert(
        &self,
        entries: &mut Entries,
        key: &str,
        entry: Entry,
        now: u64,
    ) -> Result<(), StateFailure> {
        self.check_writable()?;
        if key.len() > self.quota.key || entry.value.len() > self.quota.value {
            return Err(StateFailure::Quota);
        }
        if !entries.has_room_for(key, &entry, &self.quota) {
            self.remove_expired(entries, now);
            if !entries.has_room_for(key, &entry, &self.quota) {
                return Err(StateFailure::Quota);
            }
        }
        if let Some(journal) = &self.journal {
            journal.record(key, Some(entry.clone()));
        }
        entries.insert(key.into(), entry);
        Ok(())
    }

    fn remove(&self, entries: &mut Entries, key: &str) {
        if entries.remove(key)
            && let Some(journal) = &self.journal
        {
            journal.record(key, None);
        }
    }

    /// Removes expired entries. Runs only when an insertion lacks room, so that most operations stay short.
    fn remove_expired(&self, entries: &mut Entries, now: u64) {
        let expired: Vec<_> = entries
            .iter()
            .filter(|(_, entry)| entry.is_expired(now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in expired {
            self.remove(entries, &key);
        }
    }
}

/// Milliseconds since the Unix epoch by the machine's clock.
fn system_time() -> u64 {
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
        assert!(!table.entries.lock().by_account.contains_key(&eve));
        table.set("b", vec![0; 6], None, &eve).unwrap();
    }
}
