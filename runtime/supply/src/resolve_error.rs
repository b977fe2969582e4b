//! Why a package was not resolved.

use crate::kept::KeptError;
use crate::tool::ToolError;

/// Why a package was not resolved.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ResolveError {
    #[error("{0}")]
    Tool(#[from] ToolError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Kept(#[from] KeptError),
    #[error("{name} comes from {from}, and not from the registry")]
    NotRegistry { name: String, from: String },
    #[error("an image is resolved by its engine")]
    Image,
    #[error("{name} has no SHA-256 in the index, so that nobody could tell what is fetched")]
    NoHash { name: String },
}
