//! Checkpoints that were kept elsewhere, where whoever can write the log cannot write.

use std::collections::BTreeMap;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::key::VerifierKey;

/// The root of the log at each size for which there is an anchored checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Anchored {
    roots: BTreeMap<u64, Hash>,
}

/// Why kept checkpoints cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// One of them does not count.
    #[error("its checkpoint {number}: {error}")]
    Checkpoint {
        /// Which one, from 1.
        number: usize,
        /// Why it does not count.
        error: CheckpointError,
    },
    /// Two of them contradict each other: the key has signed two logs.
    #[error("it has two checkpoints over {0} lines, with different roots")]
    Contradiction(u64),
}

impl Anchored {
    /// Reads signed notes, one after the other, with an empty line between them.
    ///
    /// # Errors
    ///
    /// One of them was not signed by any of the keys, or two contradict each other.
    pub fn read(text: &str, keys: &[VerifierKey]) -> Result<Self, AnchorError> {
        let mut roots = BTreeMap::new();
        for (index, note) in notes(text).enumerate() {
            let checkpoint =
                Checkpoint::open(&note, keys).map_err(|error| AnchorError::Checkpoint {
                    number: index + 1,
                    error,
                })?;
            let before = roots.insert(checkpoint.size, checkpoint.root);
            if before.is_some_and(|root| root != checkpoint.root) {
                return Err(AnchorError::Contradiction(checkpoint.size));
            }
        }
        Ok(Self { roots })
    }

    /// The number of checkpoints.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The number of lines that the largest checkpoint stands for.
    pub(crate) fn largest(&self) -> Option<u64> {
        self.roots.last_key_value().map(|(size, _)| *size)
    }

    /// The root over this number of lines. `None`: there is no checkpoint for it.
    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied()
    }
}

/// The notes of a text: each is some lines, an empty line, and lines that begin with a long dash.
fn notes(text: &str) -> impl Iterator<Item = String> {
    let mut blocks = text
        .split("\n\n")
        .map(|block| block.trim_matches('\n'))
        .filter(|block| !block.is_empty());
    std::iter::from_fn(move || {
        let body = blocks.next()?;
        let signatures = blocks.next().unwrap_or_default();
        Some(format!("{body}\n\n{signatures}\n"))
    })
}
