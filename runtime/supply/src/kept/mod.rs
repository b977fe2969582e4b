//! What npm and pip need to install exactly what was resolved: npm's own lock, or requirements with hashes. Both are
//! checked before anything of them is fetched.

mod contents;
mod error;
mod npm;
mod pypi;

use sandgate_config::{Ecosystem, Package};

use crate::locked_image::LockedImage;
use contents::Contents;
use npm::npm;
use pypi::pypi;

pub use error::KeptError;
pub(crate) use pypi::{HEADER, plain_name, requirements};

/// Checks what a package was resolved to.
///
/// # Errors
///
/// It is of another package, or a part of it has no hash or does not come from the registry.
pub(crate) fn check(package: &Package, text: &str) -> Result<Contents, KeptError> {
    match package.ecosystem {
        Ecosystem::Npm => npm(package, text),
        Ecosystem::PyPi => pypi(package, text),
        Ecosystem::Image => image(package, text),
    }
}

fn image(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let image = LockedImage::read(package, text);
    let image = image.ok_or_else(|| KeptError::OtherPackage(package.to_string()))?;
    let version = image.fetched.unwrap_or_else(|| "of this machine".into());
    let parts = image.volumes.into_iter().map(|volume| {
        let name = format!("volume {volume}");
        (name, (String::new(), String::new()))
    });
    let own = (image.reference, (version, image.id));
    Ok(parts.chain([own]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;

    use super::*;

    pub(super) fn why(package: &str, text: &str) -> String {
        check(&Package::read(package).unwrap(), text)
            .unwrap_err()
            .to_string()
    }
}
