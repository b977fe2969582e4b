//! SHA-256 digests as text.

use sandgate_text::hex;
use sha2::{Digest, Sha256};

/// `sha256:` and the digest of these bytes in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
