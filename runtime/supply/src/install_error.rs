//! Why a package could not be installed.

use crate::tool::ToolError;

/// Why a package could not be installed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum InstallError {
    #[error("{0}")]
    Tool(#[from] ToolError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Odd(String),
}
