//! A signed statement of how many lines there are, and of all that they say: C2SP's `tlog-checkpoint`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::key::{SigningKey, VerifierKey};

/// The longest checkpoint, in bytes.
pub(crate) const MAX_CHECKPOINT: usize = 4096;

/// The length of a key's number and an Ed25519 signature, in bytes.
const SIGNATURE: usize = 68;

/// How many lines a log has, and the root of the tree over them, at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of lines.
    pub size: u64,
    /// The root of the tree over these lines.
    pub root: Hash,
    /// When it was signed: RFC 3339.
    pub time: String,
}

/// Why a text is no checkpoint that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is written in another form.
    #[error("it is not a signed checkpoint")]
    Form,
    /// None of the known keys has signed it.
    #[error("none of the keys at hand has signed it; it says that {0} has")]
    Signature(String),
}

impl Checkpoint {
    /// The checkpoint as a signed note. The log's name is the key's.
    pub fn sign(&self, key: &SigningKey) -> String {
        let name = key.verifier().name();
        let text = format!(
            "{name}\n{}\n{}\ntime {}\n",
            self.size,
            STANDARD.encode(self.root.0),
            self.time
        );
        let signature = key.sign(text.as_bytes());
        format!("{text}\n\u{2014} {name} {signature}\n")
    }

    /// Reads a signed note, and verifies that one of the keys has signed it. Further signatures, of witnesses, are
    /// passed over.
    ///
    /// # Errors
    ///
    /// The text is no such note, or none of the keys has signed it.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        if note.len() > MAX_CHECKPOINT {
            return Err(CheckpointError::Form);
        }
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Form)?;
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(CheckpointError::Form);
        let (name, size, root) = (next()?, next()?, next()?);
        let time = lines.find_map(|line| line.strip_prefix("time "));
        let size: u64 = size
            .parse()
            .ok()
            .filter(|number: &u64| number.to_string() == size)
            .ok_or(CheckpointError::Form)?;
        let root = STANDARD.decode(root).ok();
        let root = root.and_then(|root| root.try_into().ok());
        let signed = &note.as_bytes()[..=text.len()];
        let by: Vec<(&str, &str)> = signatures
            .lines()
            .filter_map(|line| line.strip_prefix("\u{2014} ")?.split_once(' '))
            .collect();
        let known = by.iter().any(|(signer, signature)| {
            let mut fit = keys
                .iter()
                .filter(|key| key.name() == *signer && key.name() == name);
            fit.any(|key| key.verifies(signed, signature))
        });
        let whole = |(_, signature): &&(&str, &str)| {
            STANDARD
                .decode(signature)
                .is_ok_and(|bytes| bytes.len() == SIGNATURE)
        };
        if by.iter().find(whole).is_none() {
            return Err(CheckpointError::Form);
        }
        if !known {
            let said: String = by[0].0.chars().filter(|c| !c.is_control()).collect();
            return Err(CheckpointError::Signature(said));
        }
        Ok(Self {
            size,
            root: Hash(root.ok_or(CheckpointError::Form)?),
            time: time.ok_or(CheckpointError::Form)?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_checkpoint_is_a_note_that_its_key_alone_signs() {
        let key = SigningKey::generate("gateway").unwrap();
        let other = SigningKey::generate("gateway").unwrap();
        let checkpoint = Checkpoint {
            size: 12,
            root: Hash::of_line(b"x"),
            time: "2026-01-02T03:04:05Z".into(),
        };
        let note = checkpoint.sign(&key);
        let keys = [other.verifier().clone(), key.verifier().clone()];
        assert_eq!(Checkpoint::open(&note, &keys).unwrap(), checkpoint);
        assert!(matches!(
            Checkpoint::open(&note, &keys[..1]),
            Err(CheckpointError::Signature(_))
        ));
        for (from, to) in [
            ("12", "13"),
            ("05Z", "06Z"),
            ("gateway\n", "gatewaz\n"),
            ("\n12", "\n012"),
        ] {
            let note = note.replacen(from, to, 1);
            assert!(Checkpoint::open(&note, &keys).is_err(), "{note}");
        }
    }
}
