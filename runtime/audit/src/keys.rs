//! The keys that are good while a log is read: one that has handed the log over is good no more.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::VerifierKey;

/// The keys of which one has to have signed the next checkpoint.
#[derive(Debug)]
pub(crate) struct Keys {
    good: Vec<VerifierKey>,
    /// Those that have handed the log over.
    given_up: Vec<VerifierKey>,
}

impl Keys {
    pub(crate) fn new(good: Vec<VerifierKey>) -> Self {
        let given_up = Vec::new();
        Self { good, given_up }
    }

    /// Whether this key has handed the log over.
    pub(crate) fn has_given_up(&self, key: &VerifierKey) -> bool {
        self.given_up.contains(key)
    }

    /// Reads a signed note. Returns the key that signed it, and whether it handed the log over: the next key is good from
    /// here on in its place.
    pub(crate) fn open(
        &mut self,
        note: &str,
    ) -> Result<(Checkpoint, VerifierKey, bool), CheckpointError> {
        let (checkpoint, signer) = match Checkpoint::open_by(note, &self.good) {
            Ok((checkpoint, signer)) => (checkpoint, signer.clone()),
            Err(CheckpointError::Signature(name)) => {
                let by_former = Checkpoint::open_by(note, &self.given_up).is_ok();
                return Err(match by_former {
                    true => CheckpointError::GivenUp(name),
                    false => CheckpointError::Signature(name),
                });
            }
            Err(error) => return Err(error),
        };
        // Where the former key is not known, the next one stands for what it has signed too.
        let next = checkpoint.next_key.as_ref();
        let Some(next) = next.filter(|next| **next != signer) else {
            return Ok((checkpoint, signer, false));
        };
        self.good.retain(|key| *key != signer && key != next);
        self.given_up.retain(|key| key != next);
        self.good.push(next.clone());
        self.given_up.push(signer.clone());
        Ok((checkpoint, signer, true))
    }
}
