//! Values in a file that is encrypted with age (age-encryption.org/v1): a JSON object of texts, to one key.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use zeroize::Zeroizing;

use crate::value::Value;

/// The secret key of a file.
pub struct AgeKey(x25519::Identity);

/// The values of a file, by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AgeFile(BTreeMap<String, Value>);

/// Why a file cannot be read or written. Never repeats a value or a key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum AgeError {
    #[error("there is no key in it: one line AGE-SECRET-KEY-1… is needed")]
    Key,
    #[error("it has more keys than one")]
    Keys,
    #[error("it cannot be decrypted with this key: {0}")]
    Open(age::DecryptError),
    #[error("it cannot be encrypted: {0}")]
    Seal(age::EncryptError),
    #[error("what is encrypted in it is no JSON object of texts")]
    Content,
}

impl AgeKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads a key file, as `age-keygen` writes it.
    ///
    /// # Errors
    ///
    /// There is no key in it, or more than one.
    pub fn read(text: &str) -> Result<Self, AgeError> {
        let lines = text.lines().map(str::trim);
        let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let key = keys.next().ok_or(AgeError::Key)?;
        if keys.next().is_some() {
            return Err(AgeError::Keys);
        }
        x25519::Identity::from_str(key)
            .map(Self)
            .map_err(|_| AgeError::Key)
    }

    /// The key file.
    pub fn text(&self) -> Zeroizing<String> {
        let public = self.0.to_public();
        Zeroizing::new(format!(
            "# public key: {public}\n{}\n",
            self.0.to_string().expose_secret()
        ))
    }
}

impl AgeFile {
    /// Decrypts a file.
    ///
    /// # Errors
    ///
    /// The key is another, the file was altered, or what is in it are no texts by name.
    pub fn open(sealed: &[u8], key: &AgeKey) -> Result<Self, AgeError> {
        let text = Zeroizing::new(age::decrypt(&key.0, sealed).map_err(AgeError::Open)?);
        let values: BTreeMap<String, String> =
            serde_json::from_slice(&text).map_err(|_| AgeError::Content)?;
        Ok(Self(
            values
                .into_iter()
                .map(|(name, value)| (name, Value::of(value)))
                .collect(),
        ))
    }

    /// Encrypts the values to the key's own public one, as text.
    ///
    /// # Errors
    ///
    /// Encrypting failed.
    pub fn seal(&self, key: &AgeKey) -> Result<String, AgeError> {
        let values: BTreeMap<&str, &str> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        let text = Zeroizing::new(serde_json::to_vec(&values).map_err(|_| AgeError::Content)?);
        age::encrypt_and_armor(&key.0.to_public(), &text).map_err(AgeError::Seal)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A value.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets a value. Returns whether there was one of that name.
    pub fn set(&mut self, name: &str, value: Value) -> bool {
        self.0.insert(name.to_owned(), value).is_some()
    }

    /// Removes a value. Returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }
}

impl fmt::Debug for AgeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgeKey(…)")
    }
}

impl fmt::Debug for AgeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_owner_of_the_key_reads_what_was_sealed() {
        let (own, other) = (AgeKey::generate(), AgeKey::generate());
        let mut file = AgeFile::default();
        assert!(!file.set("TOKEN", Value::of("the-value-of-the-token".into())));
        let sealed = file.seal(&own).unwrap();
        assert!(
            !sealed.contains("TOKEN") && !sealed.contains("the-value"),
            "{sealed}"
        );
        assert_eq!(AgeFile::open(sealed.as_bytes(), &own).unwrap(), file);
        let again = AgeKey::read(&own.text()).unwrap();
        assert_eq!(AgeFile::open(sealed.as_bytes(), &again).unwrap(), file);
        assert!(matches!(
            AgeFile::open(sealed.as_bytes(), &other),
            Err(AgeError::Open(_))
        ));
        assert!(matches!(AgeKey::read("# nothing\n"), Err(AgeError::Key)));
        assert!(file.remove("TOKEN") && file.names().next().is_none());
        assert!(!format!("{own:?}{file:?}").contains("SECRET"));
    }
}
