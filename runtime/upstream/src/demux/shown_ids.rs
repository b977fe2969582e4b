//! The event ids that a conversation has shown to its client, which may resume only from these. A server may keep one
//! store of events for all sessions, and would give anyone who names an event what followed it.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;

/// The most ids remembered; one more drops the oldest. A client resumes from the last event of a stream, and has few
/// streams.
const MOST: usize = 1024;

/// The ids of one conversation, as keyed hashes.
#[derive(Debug, Default)]
pub(crate) struct ShownIds {
    key: RandomState,
    hashes: Mutex<VecDeque<u64>>,
}

impl ShownIds {
    /// Notes an id that the client is shown.
    pub(crate) fn add(&self, id: &str) {
        let hash = self.key.hash_one(id.as_bytes());
        let mut hashes = self.hashes.lock();
        if hashes.len() == MOST {
            hashes.pop_front();
        }
        hashes.push_back(hash);
    }

    /// Whether the client was shown this id.
    pub(crate) fn has(&self, id: &[u8]) -> bool {
        self.hashes.lock().contains(&self.key.hash_one(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_known_until_much_else_was() {
        let shown = ShownIds::default();
        shown.add("42");
        assert!(shown.has(b"42") && !shown.has(b"43") && !ShownIds::default().has(b"42"));
        for n in 100..100 + MOST {
            shown.add(&n.to_string());
        }
        assert!(!shown.has(b"42"));
    }
}
