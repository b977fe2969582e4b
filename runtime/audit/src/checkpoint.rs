//! A signed statement of how many lines there are, and of all that they say: C2SP's `tlog-checkpoint`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::key::{SigningKey, VerifierKey};

/// The longest checkpoint, in bytes.
pub(crate) const MAX_CHECKPOINT: usize = 4096;

/// How the line begins that names the key to which the log is handed over.
const NEXT_KEY: &str = "next-key ";

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
    /// The key that signs the log from here on. `None`: the same one.
    pub next_key: Option<VerifierKey>,
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
    /// A key has signed it that had handed the log over before.
    #[error("it was signed by a key of {0} that had handed the log over to another key before")]
    GivenUp(String),
    /// It hands the log over to a key that has not signed it.
    #[error("it hands the log over to the key {0}, which has not signed it too")]
    NextKey(String),
}

impl Checkpoint {
    /// The checkpoint as a signed note. The log's name is the key's.
    pub fn sign(&self, key: &SigningKey) -> String {
        let name = key.verifier().name();
        let text = self.text(name);
        let signature = key.sign(text.as_bytes());
        format!("{text}\n\u{2014} {name} {signature}\n")
    }

    /// The checkpoint as a note that hands the log over to `next`, signed by both keys: so the next key cannot be one that
    /// nobody has.
    pub fn hand_over(&self, key: &SigningKey, next: &SigningKey) -> String {
        let handing = Self {
            next_key: Some(next.verifier().clone()),
            ..self.clone()
        };
        let text = handing.text(key.verifier().name());
        let signed = [key, next].map(|key| {
            let signature = key.sign(text.as_bytes());
            format!("\u{2014} {} {signature}\n", key.verifier().name())
        });
        format!("{text}\n{}", signed.concat())
    }

    fn text(&self, name: &str) -> String {
        let next = self.next_key.as_ref();
        let next = next.map_or_else(String::new, |key| format!("{NEXT_KEY}{key}\n"));
        format!(
            "{name}\n{}\n{}\ntime {}\n{next}",
            self.size,
            STANDARD.encode(self.root.0),
            self.time
        )
    }

    /// Reads a signed note, and verifies that one of the keys has signed it. Further signatures, of witnesses, are
    /// passed over.
    ///
    /// # Errors
    ///
    /// The text is no such note, or none of the keys has signed it.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        Self::open_by(note, keys).map(|(checkpoint, _)| checkpoint)
    }

    /// Reads a signed note, as [`Checkpoint::open`] does, and says which of the keys has signed it.
    pub(crate) fn open_by<'a>(
        note: &str,
        keys: &'a [VerifierKey],
    ) -> Result<(Self, &'a VerifierKey), CheckpointError> {
        if note.len() > MAX_CHECKPOINT {
            return Err(CheckpointError::Form);
        }
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Form)?;
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(CheckpointError::Form);
        let (name, size, root) = (next()?, next()?, next()?);
        let further: Vec<&str> = lines.collect();
        let named = |prefix: &str| further.iter().find_map(|line| line.strip_prefix(prefix));
        let time = named("time ");
        let next_key = match named(NEXT_KEY) {
            None => None,
            Some(text) => Some(VerifierKey::from_text(text).map_err(|_| CheckpointError::Form)?),
        };
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
        let signs = |key: &VerifierKey| {
            let mut own = by.iter().filter(|(signer, _)| *signer == key.name());
            own.any(|(_, signature)| key.verifies(signed, signature))
        };
        // The next key has signed it too, and may have the same name: it is the former one that hands over.
        let is_next = |key: &VerifierKey| next_key.as_ref() == Some(key);
        let fits = |key: &VerifierKey| key.name() == name && signs(key);
        let known = keys.iter().find(|key| fits(key) && !is_next(key));
        let known = known.or_else(|| keys.iter().find(|key| fits(key)));
        let whole = |(_, signature): &&(&str, &str)| {
            STANDARD
                .decode(signature)
                .is_ok_and(|bytes| bytes.len() == SIGNATURE)
        };
        if by.iter().find(whole).is_none() {
            return Err(CheckpointError::Form);
        }
        let Some(signer) = known else {
            let said: String = by[0].0.chars().filter(|c| !c.is_control()).collect();
            return Err(CheckpointError::Signature(said));
        };
        if let Some(next) = next_key.as_ref().filter(|next| !signs(next)) {
            return Err(CheckpointError::NextKey(next.name().to_owned()));
        }
        let checkpoint = Self {
            size,
            root: Hash(root.ok_or(CheckpointError::Form)?),
            time: time.ok_or(CheckpointError::Form)?.to_owned(),
            next_key,
        };
        Ok((checkpoint, signer))
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
            next_key: None,
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

    #[test]
    fn a_log_is_handed_over_by_both_keys_alone() {
        let [old, new, other] = ["a", "b", "b"].map(|name| SigningKey::generate(name).unwrap());
        let checkpoint = Checkpoint {
            size: 12,
            root: Hash::of_line(b"x"),
            time: "2026-01-02T03:04:05Z".into(),
            next_key: None,
        };
        let note = checkpoint.hand_over(&old, &new);
        let keys = [old.verifier().clone()];
        let read = Checkpoint::open(&note, &keys).unwrap();
        assert_eq!(read.next_key.as_ref(), Some(new.verifier()));
        // The next key alone, or another in its place, hands nothing over.
        assert!(Checkpoint::open(&note, &[new.verifier().clone()]).is_err());
        let theirs = checkpoint.hand_over(&old, &other);
        let foreign = note.replace(&new.verifier().to_string(), &other.verifier().to_string());
        assert!(Checkpoint::open(&foreign, &keys).is_err());
        let half = theirs.rsplit_once("\u{2014} ").unwrap().0;
        assert_eq!(
            Checkpoint::open(half, &keys),
            Err(CheckpointError::NextKey("b".into()))
        );
    }
}
