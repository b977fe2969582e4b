//! The hash of a line.

use std::fmt;

use sandgate_text::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a line, or of a node of the tree over all lines. In text: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash before the first line.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of a line without its line end: that of a leaf in RFC 6962, section 2.1.
    pub fn of_line(line: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(line);
        Self(hash.finalize().into())
    }

    /// The hash of a node with two children: RFC 6962, section 2.1.
    pub fn of_children(left: Self, right: Self) -> Self {
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(left.0);
        hash.update(right.0);
        Self(hash.finalize().into())
    }

    /// The hash of nothing, which is the root of an empty tree.
    pub(crate) fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash as hexadecimal digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 lower-case hexadecimal digits. `None`: it is something else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode_lower(text).map(Self)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("no SHA-256 in hexadecimal"))
    }
}
