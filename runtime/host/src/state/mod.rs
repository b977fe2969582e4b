//! What interceptors remember between calls. Each interceptor has its own bounded table in memory; a state file keeps
//! the tables across restarts where one is configured.

mod entries;
mod file;
mod journal;
mod key;
mod quota;
pub(crate) mod table;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cap_std::fs::Dir;
use parking_lot::Mutex;
use sandgate_message::Account;

use table::Table;

pub use key::StateKey;
pub use quota::StateQuota;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the state file {file}: {why}")]
pub struct StateError {
    file: String,
    why: String,
}

/// Tells whether the state file can be written. The handle may outlive its [`State`].
#[derive(Clone, Default)]
pub struct StateHealth(Option<Arc<Mutex<Option<String>>>>);

impl StateHealth {
    /// Why the state file cannot be written at present. `None`: it can be written, or there is no state file.
    pub fn failure(&self) -> Option<String> {
        self.0.as_ref()?.lock().clone()
    }
}

/// The state of all interceptors. It outlives reloads of the configuration: an interceptor keeps its state as long as
/// it keeps its name.
pub struct State {
    quota: StateQuota,
    tables: Mutex<HashMap<String, Arc<Table>>>,
    file: Option<file::File>,
    /// The time in milliseconds since the Unix epoch. `None`: the machine's clock tells it.
    clock: Option<Arc<AtomicU64>>,
    /// What the keys of interceptors are derived from. `None` without a state file.
    key: Option<StateKey>,
}

impl State {
    /// State in memory only: it is lost when the process ends.
    pub fn in_memory(quota: StateQuota) -> Self {
        Self {
            quota,
            tables: Mutex::default(),
            file: None,
            clock: None,
            key: None,
        }
    }

    /// State in memory only, whose entries expire by a clock that [`Self::set_time`] sets; the clock starts at the Unix
    /// epoch and does not run by itself. For recorded traffic that is played again.
    pub fn by_a_clock(quota: StateQuota) -> Self {
        Self {
            clock: Some(Arc::default()),
            ..Self::in_memory(quota)
        }
    }

    /// Sets the clock of [`Self::by_a_clock`] to `now`, the time since the Unix epoch. State that goes by the machine's
    /// clock ignores it.
    pub fn set_time(&self, now: Duration) {
        if let Some(clock) = &self.clock {
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            clock.store(now, Ordering::Relaxed);
        }
    }

    /// State in memory and in the file `name` of `dir`, which is created if it is missing. Changes reach the file
    /// within 50 ms, and at the latest when the state is dropped. A killed process may lose its last 50 ms; it never
    /// leaves half a transaction. The file `name.key` beside it keeps the [`StateKey`].
    ///
    /// # Errors
    /// The file cannot be opened, or is no state file.
    pub fn in_file(quota: StateQuota, dir: &Dir, name: &str) -> Result<Self, StateError> {
        let error = |why: String| StateError {
            file: name.into(),
            why,
        };
        let (file, loaded) = file::File::open(dir, name, quota).map_err(error)?;
        let key = StateKey::open(dir, name).map_err(error)?;
        Ok(Self {
            quota,
            tables: Mutex::new(loaded),
            file: Some(file),
            clock: None,
            key: Some(key),
        })
    }

    /// The same state with this key, for a gateway that is imitated: what interceptors derive from their keys is then
    /// the same as in the gateway.
    #[must_use]
    pub fn with_key(self, key: Option<StateKey>) -> Self {
        Self { key, ..self }
    }

    /// The key of an interceptor, 64 hex digits. `None` without a state file.
    pub(crate) fn interceptor_key(&self, interceptor: &str) -> Option<Arc<str>> {
        Some(self.key.as_ref()?.of_interceptor(interceptor).into())
    }

    /// The live table of an interceptor, empty if it is new.
    pub(crate) fn table(&self, interceptor: &str) -> Arc<Table> {
        let mut tables = self.tables.lock();
        if let Some(table) = tables.get(interceptor) {
            return table.clone();
        }
        let journal = self.file.as_ref().map(|file| file.journal(interceptor));
        let table = Arc::new(match &self.clock {
            Some(clock) => Table::with_clock(clock.clone(), self.quota),
            None => Table::new(self.quota, journal),
        });
        tables.insert(interceptor.into(), table.clone());
        table
    }

    /// A handle that tells whether the state file can be written.
    pub fn health(&self) -> StateHealth {
        StateHealth(self.file.as_ref().map(file::File::failure))
    }

    /// The keys and values of an interceptor. A counter is eight bytes, little-endian.
    pub fn entries(&self, interceptor: &str) -> BTreeMap<String, Vec<u8>> {
        self.table(interceptor).entries()
    }

    /// Replaces the state of an interceptor by `entries`.
    ///
    /// # Errors
    /// The entries do not fit into the quota, or the state file cannot be written.
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

    /// A copy of an interceptor's table as it is now, for a candidate that is tried beside the live plugin. Changes to
    /// the copy stay in memory and do not reach the live table.
    pub(crate) fn copy(&self, interceptor: &str) -> Arc<Table> {
        Arc::new(self.table(interceptor).copy())
    }

    /// An empty table in memory only, for runs that must leave no trace in the live state.
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
