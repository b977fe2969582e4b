//! The changes of a table on their way to the state file.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use parking_lot::Mutex;

use super::entries::Entry;

/// One change of one interceptor's state.
pub(super) struct Change {
    pub(super) interceptor: Arc<str>,
    pub(super) key: String,
    /// The new entry. `None`: the key was removed.
    pub(super) entry: Option<Entry>,
}

/// Sends the changes of one interceptor's table to the writer of the state file.
pub(crate) struct Journal {
    pub(super) interceptor: Arc<str>,
    pub(super) changes: Sender<Change>,
    /// Why the state file cannot be written at present; shared with the writer.
    pub(super) failure: Arc<Mutex<Option<String>>>,
}

impl Journal {
    pub(super) fn record(&self, key: &str, entry: Option<Entry>) {
        // Sending fails only when the writer has ended, which it does when the process ends.
        let _ = self.changes.send(Change {
            interceptor: self.interceptor.clone(),
            key: key.into(),
            entry,
        });
    }

    /// Why the state file cannot be written at present. `None`: it can be.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }
}
