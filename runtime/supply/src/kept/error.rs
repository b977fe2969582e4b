//! Why what was resolved may not be installed.

/// Why what was resolved may not be installed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeptError {
    #[error("it is not {0}")]
    Unreadable(&'static str),
    #[error("it does not lock {0}")]
    OtherPackage(String),
    #[error(
        "{name} has no hash of SHA-256 or better (`integrity`), so that nobody could tell what is fetched"
    )]
    NoHash { name: String },
    #[error("{name} comes from {from}, and not from the registry")]
    NotRegistry { name: String, from: String },
    #[error("{name} {what}")]
    Odd { name: String, what: &'static str },
    #[error("line {line} is no requirement with a version and its hashes: {text:?}")]
    Requirement { line: usize, text: String },
}
