//! A resolved package.

use crate::lock::LockedServer;

/// A resolved package.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Its entry in the lock.
    pub entry: LockedServer,
    /// What is kept beside the lock.
    pub kept: String,
}
