//! Which events' ids one conversation has shown to its client: only from these may the client resume. A server may keep one
//! store of events for all sessions, and would hand whoever names an event what followed it.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;

/// Ids remembered; the oldest gives way. A client resumes from the last event of a stream, and has few streams.
const MOST: usize = 1024;

/// The ids of one conversation, by hash.
#[derive(Debug, Default)]
pub(crate) struct ShownIds {
    key: RandomState,
    hashes: Mutex<VecDeque<u64>>,
}

impl ShownIds {
    /// The client is shown this id.
    pub(crate) fn add(&self, id: &str) {
        let hash = self.key.hash_one(id.as_bytes());
        let mut hashes = self.hashes.lock();
        if hashes.len() == MOST {
            hashes.pop_front();
        }
        hashes.push_back(hash);
    }

    /// Whether the client was shown it.
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
