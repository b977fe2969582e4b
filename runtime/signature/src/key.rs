//! Public keys, and signatures by them.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use sandgate_text::hex;

use crate::der;
use crate::wire::sha256;

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A public key: ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits and more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: Kind,
    key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// Why a text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeyError {
    #[error("it is no public key in PEM, which begins with `-----BEGIN PUBLIC KEY-----`")]
    Pem,
    #[error(
        "it is the private key, which belongs nowhere near a gateway; write the file with the public one"
    )]
    Private,
    #[error("it is a key of another kind than ECDSA on P-256 or P-384, Ed25519 or RSA")]
    Kind,
}

/// The hash that a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl PublicKey {
    /// Reads a key in PEM, as `cosign public-key` prints it.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let private = b"PRIVATE KEY-----";
        if text.windows(private.len()).any(|part| part == private) {
            return Err(KeyError::Private);
        }
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(text).map_err(|_| KeyError::Pem)?;
        Self::from_spki(&spki).ok_or(KeyError::Kind)
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        let parts = der::sequence(spki)?;
        let [algorithm, key] = parts.as_slice() else {
            return None;
        };
        let algorithm = der::sequence(algorithm.whole)?;
        let first = algorithm.first().filter(|one| one.tag == der::OID)?.value;
        let second = algorithm.get(1).filter(|one| one.tag == der::OID);
        let kind = match (first, second.map(|one| one.value)) {
            (EC, Some(P256)) => Kind::P256,
            (EC, Some(P384)) => Kind::P384,
            (ED25519, None) => Kind::Ed25519,
            (RSA, None) => Kind::Rsa,
            _ => return None,
        };
        // The first byte of a bit string says how many bits of the last one are none.
        let key = Some(key).filter(|key| key.tag == der::BIT_STRING)?;
        let key = key.value.strip_prefix(&[0])?;
        Some(Self {
            spki: spki.to_owned(),
            kind,
            key: key.to_owned(),
        })
    }

    /// SHA-256 of the key's `SubjectPublicKeyInfo`, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex::encode(sha256(&self.spki))
    }

    /// The `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether the key signed the message, with this hash where it needs one.
    pub(crate) fn signed_with(&self, hash: Hash, message: &[u8], bytes: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match (self.kind, hash) {
            (Kind::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Kind::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Kind::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Kind::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Kind::Ed25519, _) => &signature::ED25519,
            (Kind::Rsa, Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa, Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa, Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Kind::P256 | Kind::P384, Hash::Sha512) => return false,
        };
        UnparsedPublicKey::new(algorithm, &self.key)
            .verify(message, bytes)
            .is_ok()
    }

    /// Whether the key signed the message. Which hash a signer of P-384 takes differs between tools.
    pub(crate) fn signed(&self, message: &[u8], bytes: &[u8]) -> bool {
        self.signed_with(Hash::Sha256, message, bytes)
            || self.kind == Kind::P384 && self.signed_with(Hash::Sha384, message, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_key_says_what_it_is() {
        let read = |text: &str| PublicKey::from_pem(text.as_bytes());
        assert_eq!(read(""), Err(KeyError::Pem));
        let private = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nMAA=\n";
        assert_eq!(read(private), Err(KeyError::Private));
        let odd = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
        assert_eq!(read(odd), Err(KeyError::Kind));
    }
}
