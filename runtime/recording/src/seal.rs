//! Sealed exchanges, which only the owner of a key can read. Each is an age file of its own (age-encryption.org/v1), in
//! base 64.

use std::str::FromStr;

use age::x25519;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The public key that exchanges are sealed to.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

/// The secret keys that open sealed exchanges.
pub struct Identities(Vec<x25519::Identity>);

/// Why an exchange cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The text is not a public key.
    #[error("{0:?} is no public key of age: write age1…, as age-keygen prints it")]
    Recipient(String),
    /// There is no key in the file.
    #[error("there is no key in it: a line AGE-SECRET-KEY-1… is needed, as age-keygen writes it")]
    Identities,
    /// The recording is sealed, and no key is given.
    #[error("it is encrypted; give --identity FILE, with the secret key to which it was recorded")]
    NoIdentity,
    /// Encrypting failed.
    #[error("it cannot be encrypted: {0}")]
    Seal(#[from] age::EncryptError),
    /// Decrypting failed: with another key, or because the data was altered.
    #[error("it cannot be decrypted: {0}")]
    Open(#[from] age::DecryptError),
    /// The data is not what was written.
    #[error("it is damaged")]
    Damaged,
}

impl Recipient {
    /// Parses a public key, `age1…`.
    ///
    /// # Errors
    ///
    /// The text is not such a key.
    pub fn read(text: &str) -> Result<Self, SealError> {
        x25519::Recipient::from_str(text)
            .map(Self)
            .map_err(|_| SealError::Recipient(text.to_owned()))
    }

    pub(super) fn seal(&self, text: &[u8]) -> Result<String, SealError> {
        Ok(STANDARD.encode(age::encrypt(&self.0, text)?))
    }
}

impl Identities {
    /// Parses a file of secret keys, as `age-keygen` writes it.
    ///
    /// # Errors
    ///
    /// There is no key in the text, or a line is not a key.
    pub fn read(text: &str) -> Result<Self, SealError> {
        let keys: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| x25519::Identity::from_str(line).map_err(|_| SealError::Identities))
            .collect::<Result<_, _>>()?;
        match keys.is_empty() {
            true => Err(SealError::Identities),
            false => Ok(Self(keys)),
        }
    }

    pub(super) fn open(&self, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| SealError::Damaged)?;
        let mut failed = SealError::Damaged;
        for key in &self.0 {
            match age::decrypt(key, &bytes) {
                Ok(text) => return Ok(text),
                Err(error) => failed = error.into(),
            }
        }
        Err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use age::secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_the_owner_of_the_key_reads_what_was_sealed() {
        let (own, other) = (x25519::Identity::generate(), x25519::Identity::generate());
        let recipient = Recipient::read(&own.to_public().to_string()).unwrap();
        let sealed = recipient.seal(b"ada@example.com").unwrap();
        let keys = |keys: &[&x25519::Identity]| {
            let lines = keys
                .iter()
                .map(|key| key.to_string().expose_secret().to_owned());
            Identities::read(&format!(
                "# made today\n{}\n",
                lines.collect::<Vec<_>>().join("\n")
            ))
        };
        let opened = keys(&[&other, &own]).unwrap().open(&sealed).unwrap();
        assert_eq!(opened, b"ada@example.com");
        assert!(matches!(
            keys(&[&other]).unwrap().open(&sealed),
            Err(SealError::Open(_))
        ));
        assert!(matches!(
            Identities::read("# none"),
            Err(SealError::Identities)
        ));
        assert!(Recipient::read("age1nonsense").is_err());
    }
}
