//! From a package's name and version to everything that it needs, each with its hash.

use std::time::Duration;

use sandgate_config::{Ecosystem, Package};

use crate::lock::LockedServer;
use crate::resolve_error::ResolveError;
use crate::resolved::Resolved;
use crate::store::Store;
use crate::{kept, npm, pypi};

/// How long one resolution may take.
const WITHIN: Duration = Duration::from_secs(5 * 60);

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
