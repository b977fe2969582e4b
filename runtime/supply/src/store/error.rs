//! Why an installed package cannot be used, or none was installed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sandgate_config::Package;

use crate::install_error::InstallError;
use crate::program::ProgramError;

/// How long one installation may take, the wait for another that is under way included.
pub(crate) const WITHIN: Duration = Duration::from_secs(5 * 60);

/// Why an installed package cannot be used, or none was installed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StoreError {
    #[error("{package} is locked and not installed")]
    NotInstalled { package: Package },
    #[error("{} is not as it was installed: {what}", .folder.display())]
    Changed { folder: PathBuf, what: String },
    #[error("{package} was not installed: {why}")]
    Install {
        package: Package,
        why: Box<InstallError>,
    },
    #[error("{} cannot be used: {why}", .path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("the component {digest} is locked and not here")]
    NoComponent { digest: String },
    #[error("{} is not the component that it was: it has {found}", .path.display())]
    OtherComponent { path: PathBuf, found: String },
    #[error("another installation of {package} has been under way for {} s", WITHIN.as_secs())]
    Busy { package: Package },
    #[error("{0}")]
    Program(#[from] ProgramError),
}
