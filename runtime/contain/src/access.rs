//! What may be done with a path.

use serde::{Deserialize, Serialize};

/// What a program may do with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read and execute.
    Read,
    /// Read, execute and change.
    Write,
}
