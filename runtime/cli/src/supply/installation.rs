//! Installs one locked package.

use sandgate_config::{Ecosystem, Package};
use sandgate_supply::{LockedImage, LockedServer};

use crate::supply::{Stand, SupplyError};
use crate::terminal::print;

/// Installs one package, and says so.
pub(crate) fn one(
    stand: &Stand,
    name: &str,
    package: &Package,
    entry: &LockedServer,
    kept: &str,
) -> Result<(), SupplyError> {
    let store = &stand.store;
    if package.ecosystem == Ecosystem::Image {
        fetch(stand, name, package, kept)?;
        print(&format!("{name}: {package} is here."));
        return Ok(());
    }
    let folder = store.install(package, entry, kept);
    let folder = folder.map_err(|error| SupplyError::Other(format!("{name}: {error}")))?;
    print(&format!(
        "{name}: {package} is installed in {}.",
        folder.display()
    ));
    Ok(())
}

pub(crate) fn fetch(
    stand: &Stand,
    name: &str,
    package: &Package,
    kept: &str,
) -> Result<(), SupplyError> {
    let failed =
        |why: &dyn std::fmt::Display| SupplyError::Other(format!("{name}: {package}: {why}"));
    let image = LockedImage::read(package, kept);
    let image = image.ok_or_else(|| failed(&"what is kept of it is unreadable"))?;
    let engine = stand.engine(name)?;
    image.fetch(&engine).map_err(|error| failed(&error))
}
