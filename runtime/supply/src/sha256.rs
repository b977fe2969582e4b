//! Digests of texts.

use sandgate_text::hex;

/// `sha256:` and hexadecimal digits.
pub(crate) fn sha256(digest: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest))
}
