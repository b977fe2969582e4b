//! Hashes that stand for values in a log: whoever has the key can look for a value, and nobody can read one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::key::KeyError;

/// Makes hashes of values: HMAC-SHA-256.
pub struct HashKey {
    value: Zeroizing<[u8; 32]>,
    key: hmac::Key,
}

impl HashKey {
    const FORM: &'static str = "HASH+KEY+BASE64";

    /// A new key.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut value = Zeroizing::new([0; 32]);
        let random = SystemRandom::new();
        random.fill(&mut *value).map_err(|_| KeyError::Random)?;
        Ok(Self::of(value))
    }

    /// Reads the key from its text.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let form = KeyError::Form(Self::FORM);
        let value = text.trim().strip_prefix("HASH+KEY+").ok_or(form)?;
        let value = Zeroizing::new(STANDARD.decode(value).map_err(|_| form)?);
        let value: [u8; 32] = value.as_slice().try_into().map_err(|_| form)?;
        Ok(Self::of(Zeroizing::new(value)))
    }

    fn of(value: Zeroizing<[u8; 32]>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*value);
        Self { value, key }
    }

    /// The key as text. Whoever has it can try values until one has a hash of the log.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("HASH+KEY+{}", STANDARD.encode(*self.value)))
    }

    /// What stands for this value: `hmac:` and 64 hexadecimal digits.
    pub fn hash(&self, value: &str) -> String {
        let tag = hmac::sign(&self.key, value.as_bytes());
        let mut text = String::with_capacity(69);
        text.push_str("hmac:");
        for byte in tag.as_ref() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }
        text
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_is_that_of_its_key() {
        // RFC 4231 has no key of 32 bytes; this is `openssl dgst -sha256 -mac HMAC` of 32 zero bytes.
        let zero = HashKey::of(Zeroizing::new([0; 32]));
        assert_eq!(
            zero.hash(""),
            "hmac:b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        );
        let key = HashKey::generate().unwrap();
        let again = HashKey::from_text(&key.text()).unwrap();
        assert_eq!(again.hash("ada@example.com"), key.hash("ada@example.com"));
        assert_ne!(zero.hash("ada@example.com"), key.hash("ada@example.com"));
        assert!(!format!("{key:?}").contains(&key.text()["HASH+KEY+".len()..]));
        for text in ["", "HASH+KEY+", "HASH+KEY+AAAA", "PRIVATE+KEY+a"] {
            assert!(HashKey::from_text(text).is_err(), "{text}");
        }
    }
}
