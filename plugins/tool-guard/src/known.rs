//! The names that servers were seen to use, as hashes of their looks.

use sandgate_sdk::state;

/// The key under which they are remembered.
const KEY: &str = "looks";

/// The most names that are remembered, of all servers together.
const MOST: usize = 4096;

/// The most names that one server adds: the others have room, too.
const MOST_OF_SERVER: usize = 512;

/// Hashes of the looks of plain names.
#[derive(Debug, Default)]
pub(crate) struct Known {
    hashes: Vec<u64>,
    /// What was remembered, to see whether it is still so.
    before: Option<Vec<u8>>,
    /// How many were remembered.
    old: usize,
}

impl Known {
    /// What is remembered. Nothing without the grant: only the names of one list are compared then.
    pub(crate) fn recall() -> Self {
        let before = state::get(KEY).ok().flatten();
        let bytes = before.as_deref().unwrap_or_default();
        let hashes: Vec<u64> = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|chunk| u64::from_le_bytes(*chunk))
            .collect();
        Self {
            old: hashes.len(),
            hashes,
            before,
        }
    }

    pub(crate) fn has(&self, look: &str) -> bool {
        let hash = hash(look);
        self.hashes.contains(&hash)
    }

    pub(crate) fn add(&mut self, look: &str) {
        let hash = hash(look);
        if self.hashes.len() < MOST && !self.hashes.contains(&hash) {
            self.hashes.push(hash);
        }
    }

    /// Remembers what a list of the server added. Where another run did so meanwhile, the next list adds it again.
    pub(crate) fn remember(mut self, server: &str) {
        if self.hashes.len() > self.old {
            let key = format!("{KEY}#{server}");
            let used = state::increment(&key, 0, None).unwrap_or_default();
            let used = usize::try_from(used).unwrap_or_default();
            let room = MOST_OF_SERVER.saturating_sub(used);
            self.hashes.truncate(self.old + room);
            let added = self.hashes.len() - self.old;
            if added == 0 {
                return;
            }
            let bytes: Vec<u8> = self
                .hashes
                .iter()
                .flat_map(|hash| hash.to_le_bytes())
                .collect();
            if state::compare_and_set(KEY, self.before.as_deref(), &bytes, None) == Ok(true) {
                let added = i64::try_from(added).unwrap_or(i64::MAX);
                let _ = state::increment(&key, added, None);
            }
        }
    }
}

/// FNV-1a.
fn hash(look: &str) -> u64 {
    look.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
