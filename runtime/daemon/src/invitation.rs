//! A link into the console, and who makes one.

use serde::Serialize;

/// A link into the console.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub struct Invitation {
    /// The link.
    pub url: String,
    /// The same for browsers that do not lead names below `.localhost` to this machine.
    pub by_address: String,
    /// Seconds for which it is good.
    pub seconds: u64,
}

/// Makes a link for the user of this number, for looking alone where the first is true.
///
/// # Errors
///
/// There can be no link, and why.
pub(crate) type Invite = dyn Fn(bool, u32) -> Result<Invitation, String> + Send + Sync;
