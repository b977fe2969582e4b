//! Checkpoints that were kept elsewhere, where whoever can write the log cannot write.

use std::collections::BTreeMap;

use crate::checkpoint::CheckpointError;
use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::keys::Keys;

/// The root of the log at each size for which there is an anchored checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Anchored {
    roots: BTreeMap<u64, Hash>,
    /// The number of texts among them that are no checkpoints: one was cut off when the disk was full.
    pub fragments: usize,
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
    /// Reads signed notes, one after the other, with an empty line between them. Where one hands the log over to another
    /// key, that key signs those after it.
    ///
    /// # Errors
    ///
    /// One of them was not signed by any of the keys, or two contradict each other.
    pub fn read(text: &str, keys: &[VerifierKey]) -> Result<Self, AnchorError> {
        let (mut roots, mut fragments) = (BTreeMap::new(), 0);
        let mut keys = Keys::new(keys.to_vec());
        for (index, note) in notes(text).enumerate() {
            let checkpoint = match keys.open(&note) {
                Ok((checkpoint, ..)) => checkpoint,
                Err(CheckpointError::Form) => {
                    fragments += 1;
                    continue;
                }
                Err(error) => {
                    let number = index + 1;
                    return Err(AnchorError::Checkpoint { number, error });
                }
            };
            let before = roots.insert(checkpoint.size, checkpoint.root);
            if before.is_some_and(|root| root != checkpoint.root) {
                return Err(AnchorError::Contradiction(checkpoint.size));
            }
        }
        Ok(Self { roots, fragments })
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

/// The notes of a text: each is some lines, an empty line, and lines that begin with a long dash. What has no such lines
/// after it is given as it is.
fn notes(text: &str) -> impl Iterator<Item = String> {
    let blocks = text.split("\n\n").map(|block| block.trim_matches('\n'));
    let mut blocks = blocks.filter(|block| !block.is_empty()).peekable();
    std::iter::from_fn(move || {
        let body = blocks.next()?;
        let signatures = blocks.next_if(|block| block.starts_with('\u{2014}'));
        Some(format!("{body}\n\n{}\n", signatures.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::key::SigningKey;

    #[test]
    fn what_was_cut_off_costs_none_of_the_others() {
        let key = SigningKey::generate("gateway").unwrap();
        let note = |size: u64| {
            let root = Hash::of_line(&size.to_be_bytes());
            let time = "2026-01-02T03:04:05Z".into();
            let next_key = None;
            Checkpoint {
                size,
                root,
                time,
                next_key,
            }
            .sign(&key)
        };
        let keys = [key.verifier().clone()];
        let whole = note(2);
        for cut in 1..whole.len() {
            if !whole.is_char_boundary(cut) {
                continue;
            }
            let text = format!("{}\n{}\n\n{}\n", note(1), &whole[..cut], note(3));
            let read = Anchored::read(&text, &keys).unwrap();
            let all = [1, 3].iter().all(|size| read.root(*size).is_some());
            assert!(all && read.len() + read.fragments == 3, "{cut}: {read:?}");
        }
        let forged = SigningKey::generate("gateway").unwrap();
        assert!(Anchored::read(&note(1), &[forged.verifier().clone()]).is_err());
    }
}
