//! The quota of one interceptor's state, and how much of a quota is in use.

/// Bounds of one interceptor's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateQuota {
    /// Bytes of all keys and values together.
    pub bytes: usize,
    /// Number of keys.
    pub keys: usize,
    /// Bytes of one key.
    pub key: usize,
    /// Bytes of one value.
    pub value: usize,
}

impl Default for StateQuota {
    /// 16 MiB, 65,536 keys of up to 1 KiB, values of up to 1 MiB.
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            keys: 1 << 16,
            key: 1 << 10,
            value: 1 << 20,
        }
    }
}

/// How much of a [`StateQuota`] is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) bytes: usize,
    pub(super) keys: usize,
}

impl Usage {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            keys: self.keys + other.keys,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            keys: self.keys.saturating_sub(other.keys),
        }
    }

    pub(super) fn fits_in(self, other: Self) -> bool {
        self.bytes <= other.bytes && self.keys <= other.keys
    }
}
