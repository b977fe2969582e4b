//! The keys that sign checkpoints and verify them: Ed25519, in the text forms of C2SP's signed notes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The number that stands for Ed25519 in keys and signatures of signed notes.
const ALGORITHM: u8 = 1;
/// The longest name of a key, in bytes.
const MAX_NAME: usize = 255;

/// Why a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is written in another form.
    #[error("it is not a key in the form `{0}`")]
    Form(&'static str),
    /// The key's number in its text is not the key's.
    #[error("its name, its number and its value do not belong together")]
    Number,
    /// The name cannot be a key's.
    #[error("a key's name is 1 to 255 characters without space, `+` and control characters")]
    Name,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Signs checkpoints. Its name says whose log it is.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

/// Verifies checkpoints.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl SigningKey {
    /// A new key of this name, which is best the gateway's host name.
    ///
    /// # Errors
    ///
    /// The name cannot be a key's.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        let random = SystemRandom::new();
        random.fill(&mut *seed).map_err(|_| KeyError::Random)?;
        Self::of(name, seed)
    }

    fn of(name: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let fit = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fit) {
            return Err(KeyError::Name);
        }
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| KeyError::Form(Self::FORM))?;
        let public = pair.public_key().as_ref().try_into();
        let verifier = VerifierKey {
            name: name.to_owned(),
            public: public.map_err(|_| KeyError::Form(Self::FORM))?,
        };
        Ok(Self {
            seed,
            pair,
            verifier,
        })
    }

    const FORM: &'static str = "PRIVATE+KEY+NAME+NUMBER+BASE64";

    /// Reads the key from its text.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let form = KeyError::Form(Self::FORM);
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(form)?;
        let (name, number, seed) = parts(rest, form)?;
        let key = Self::of(name, Zeroizing::new(seed))?;
        match key.verifier.number() == number {
            true => Ok(key),
            false => Err(KeyError::Number),
        }
    }

    /// The key as text. Whoever has it can sign as this gateway.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("PRIVATE+KEY+{}", self.verifier.written(&self.seed)))
    }

    /// The key that verifies what this one signs.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature of this text, as in a signed note: the key's number, then the signature.
    pub(crate) fn sign(&self, text: &[u8]) -> String {
        let mut bytes = self.verifier.number().to_vec();
        bytes.extend_from_slice(self.pair.sign(text).as_ref());
        STANDARD.encode(bytes)
    }
}

impl VerifierKey {
    const FORM: &'static str = "NAME+NUMBER+BASE64";

    /// Reads the key from its text.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let form = KeyError::Form(Self::FORM);
        if text.starts_with("PRIVATE+KEY+") {
            return Err(form);
        }
        let (name, number, public) = parts(text, form)?;
        let key = Self {
            name: name.to_owned(),
            public,
        };
        match key.number() == number {
            true => Ok(key),
            false => Err(KeyError::Number),
        }
    }

    /// The key's name: whose log it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the hash over name and value, by which signatures name the key.
    pub(crate) fn number(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', ALGORITHM]);
        hash.update(self.public);
        let hash: [u8; 32] = hash.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn written(&self, value: &[u8; 32]) -> String {
        let mut bytes = Zeroizing::new(vec![ALGORITHM]);
        bytes.extend_from_slice(value);
        let number = u32::from_be_bytes(self.number());
        format!("{}+{number:08x}+{}", self.name, STANDARD.encode(&*bytes))
    }

    /// Whether `signature` (base64 of the key's number and the signature) is this key's, over this text.
    pub(crate) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        let Ok(bytes) = STANDARD.decode(signature) else {
            return false;
        };
        bytes
            .split_at_checked(4)
            .is_some_and(|(number, signature)| {
                number == self.number()
                    && UnparsedPublicKey::new(&ED25519, self.public)
                        .verify(text, signature)
                        .is_ok()
            })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&self.public))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// Name, number and value of `NAME+NUMBER+BASE64`.
fn parts(text: &str, form: KeyError) -> Result<(&str, [u8; 4], [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(number), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(form);
    };
    if number.len() != 8 {
        return Err(form);
    }
    let number = u32::from_str_radix(number, 16).map_err(|_| form)?;
    let value = Zeroizing::new(STANDARD.decode(value).map_err(|_| form)?);
    match value.split_first() {
        Some((&ALGORITHM, value)) => Ok((
            name,
            number.to_be_bytes(),
            value.try_into().map_err(|_| form)?,
        )),
        _ => Err(form),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A key that the notes of Go's module database use as their example.
    const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn keys_are_those_of_signed_notes() {
        let key = VerifierKey::from_text(VERIFIER).unwrap();
        assert_eq!(
            (key.name(), key.to_string()),
            ("PeterNeumann", VERIFIER.into())
        );
        let text = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert!(key.verifies(text.as_bytes(), signature));
        assert!(!key.verifies(&text.as_bytes()[1..], signature));
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = SigningKey::generate("gateway.example.com").unwrap();
        let again = SigningKey::from_text(&key.text()).unwrap();
        assert_eq!(again.verifier(), key.verifier());
        let signature = again.sign(b"text");
        let verifier = VerifierKey::from_text(&key.verifier().to_string()).unwrap();
        assert!(verifier.verifies(b"text", &signature));
        assert!(!format!("{key:?}").contains(&*key.text()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = SigningKey::generate("a").unwrap();
        assert!(VerifierKey::from_text(&key.text()).is_err());
        assert!(SigningKey::from_text(&key.verifier().to_string()).is_err());
        let other = key.text().replace("+a+", "+b+");
        assert_eq!(SigningKey::from_text(&other).unwrap_err(), KeyError::Number);
        for text in ["", "a", "a+0+", "a+00000000+AQ==", "PRIVATE+KEY+"] {
            assert!(VerifierKey::from_text(text).is_err(), "{text}");
        }
        for name in ["", "a b", "a+b", "a\n"] {
            assert_eq!(SigningKey::generate(name).unwrap_err(), KeyError::Name);
        }
    }
}
