//! From a package's name and version to everything that it needs, each with its hash.

use std::time::Duration;

use sandgate_config::{Ecosystem, Package};

use crate::kept::{self, KeptError};
use crate::lock::LockedServer;
use crate::store::Store;
use crate::tool::ToolError;
use crate::{npm, pypi};

/// How long one resolution may take.
const WITHIN: Duration = Duration::from_secs(5 * 60);

/// A resolved package.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Its entry in the lock.
    pub entry: LockedServer,
    /// What is kept beside the lock.
    pub kept: String,
}

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

/// Resolves a package with its ecosystem's own tool, which asks the registry that it is configured for. None of the
/// package's code runs.
///
/// # Errors
///
/// The tool is missing or fails, or a part of the package has no hash or does not come from the registry.
pub fn resolve(package: &Package, store: &Store) -> Result<Resolved, ResolveError> {
    let scratch = store.scratch()?;
    let (folder, said) = (scratch.files(), scratch.path());
    let (registry, tools, kept) = match package.ecosystem {
        Ecosystem::Npm => npm::resolve(package, &folder, said, WITHIN)?,
        Ecosystem::PyPi => pypi::resolve(package, &folder, said, WITHIN)?,
        Ecosystem::Image => return Err(ResolveError::Image),
    };
    kept::check(package, &kept)?;
    Ok(Resolved {
        entry: LockedServer::new(package, registry, tools, &kept),
        kept,
    })
}

/// The host and port of an address, without a name and password.
pub(crate) fn host(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_registry_the_host_alone_is_kept() {
        let address = "https://ada:secret@npm.example:8443/path?token=x";
        assert_eq!(host(address).as_deref(), Some("npm.example:8443"));
        assert_eq!(host("undefined"), None);
    }
}
