//! Memory between calls: by interceptor, bounded, in memory; kept in a file where one is configured.

mod file;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cap_std::fs::Dir;
use parking_lot::Mutex;
use sandgate_message::Account;

pub(crate) use table::{StateFailure, Table};

/// Bounds of one interceptor's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateQuota {
    /// Keys and values together.
    pub bytes: usize,
    /// Number of keys.
    pub keys: usize,
    /// One key.
    pub key: usize,
    /// One value.
    pub value: usize,
}

impl Default for StateQuota {
    /// 16 MiB, 65,536 keys of up to 1 KiB, values of up to 1 MiB.
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            keys: 1 << 16,
            key: 1 << 10,
            value: 1 << 20,
        }
    }
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the state file {file}: {why}")]
pub struct StateError {
    file: String,
    why: String,
}

/// Whether the state file can be written. It may outlive the state.
#[derive(Clone, Default)]
pub struct StateHealth(Option<Arc<Mutex<Option<String>>>>);

impl StateHealth {
    /// Why it cannot be written at present; none where it can, or where there is none.
    pub fn failure(&self) -> Option<String> {
        self.0.as_ref()?.lock().clone()
    }
}

/// All interceptors' state. Outlives reloads: an interceptor keeps its memory while its name stays.
pub struct State {
    quota: StateQuota,
    tables: Mutex<HashMap<String, Arc<Table>>>,
    file: Option<file::File>,
    /// Of a memory that goes by another clock than the machine's: milliseconds since the Unix epoch.
    clock: Option<Arc<AtomicU64>>,
}

impl State {
    /// In memory: gone with the process.
    pub fn in_memory(quota: StateQuota) -> Self {
        Self {
            quota,
            tables: Mutex::default(),
            file: None,
            clock: None,
        }
    }

    /// In memory, by a clock that stands until [`Self::set_time`] sets it: for what happens again.
    pub fn by_a_clock(quota: StateQuota) -> Self {
        Self {
            clock: Some(Arc::default()),
            ..Self::in_memory(quota)
        }
    }

    /// Sets the clock that it goes by, if it goes by one: since the Unix epoch.
    pub fn set_time(&self, now: Duration) {
        if let Some(clock) = &self.clock {
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            clock.store(now, Ordering::Relaxed);
        }
    }

    /// In a file as well. Changes are written behind, every 50 ms and at the end: what a killed process wrote in its last
    /// moments may be lost, never torn.
    pub fn in_file(quota: StateQuota, dir: &Dir, name: &str) -> Result<Self, StateError> {
        let error = |why: String| StateError {
            file: name.into(),
            why,
        };
        let (file, loaded) = file::File::open(dir, name, quota).map_err(error)?;
        Ok(Self {
            quota,
            tables: Mutex::new(loaded),
            file: Some(file),
            clock: None,
        })
    }

    /// The live state of an interceptor.
    pub(crate) fn table(&self, interceptor: &str) -> Arc<Table> {
        let mut tables = self.tables.lock();
        if let Some(table) = tables.get(interceptor) {
            return table.clone();
        }
        let journal = self.file.as_ref().map(|file| file.journal(interceptor));
        let table = Arc::new(match &self.clock {
            Some(clock) => Table::by(clock.clone(), self.quota),
            None => Table::new(self.quota, journal),
        });
        tables.insert(interceptor.into(), table.clone());
        table
    }

    /// Tells whether its file can be written.
    pub fn health(&self) -> StateHealth {
        StateHealth(self.file.as_ref().map(file::File::trouble))
    }

    /// What an interceptor remembers, by key; counters as their eight bytes.
    pub fn entries(&self, interceptor: &str) -> BTreeMap<String, Vec<u8>> {
        self.table(interceptor).entries()
    }

    /// Lets an interceptor remember this and nothing else.
    ///
    /// # Errors
    /// It does not fit into the quota.
    pub fn fill(
        &self,
        interceptor: &str,
        entries: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), String> {
        let table = self.table(interceptor);
        let failed = |_| "it does not fit into an interceptor's quota".to_owned();
        for key in table.entries().keys() {
            table.delete(key).map_err(failed)?;
        }
        for (key, value) in entries {
            table
                .set(key, value.clone(), None, &Account::Local)
                .map_err(failed)?;
        }
        Ok(())
    }

    /// What an interceptor remembers now, for a candidate that is tried beside it: it goes on by itself from there, and
    /// is never written to a file.
    pub(crate) fn copy(&self, interceptor: &str) -> Arc<Table> {
        Arc::new(self.table(interceptor).copy())
    }

    /// A state of its own for runs that must leave no mark; never written to a file.
    pub(crate) fn shadow(&self) -> Arc<Table> {
        Arc::new(Table::new(self.quota, None))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("interceptors", &self.tables.lock().len())
            .finish_non_exhaustive()
    }
}
