//! Why a verb of catalogs came to nothing.

use std::process::ExitCode;

use sandgate_catalog::{CatalogError, FetchError, FindError, FormatError, PlanError};
use sandgate_config::{FileError, Report};

use crate::exit::{complain, refuse};

/// Why a verb of catalogs came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerbError {
    #[error("the configuration cannot be used")]
    Config(Box<Report>),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}: {1}")]
    Format(String, FormatError),
    #[error("{0}")]
    Other(String),
}

impl VerbError {
    /// Reports it. Nothing was changed.
    pub(crate) fn exit(&self) -> ExitCode {
        match self {
            Self::Config(report) => refuse(report),
            _ => {
                complain(self);
                ExitCode::from(2)
            }
        }
    }
}
