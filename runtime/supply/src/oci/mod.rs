//! Registries (OCI distribution 1.1), as far as signatures and plugins need them: manifests, blobs, referrers, and
//! uploads in one piece.

mod address;
mod credentials;
mod fetch;
mod registry;
mod token;

pub(crate) use registry::{Descriptor, MANIFEST, Manifest, Registry, digest};

/// Why a registry gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum RegistryError {
    #[error("{url}: {why}")]
    Unreachable { url: String, why: String },
    #[error("{url}: it answered {status}{more}")]
    Status {
        url: String,
        status: u16,
        more: String,
    },
    #[error("{url}: it has more than {most} bytes")]
    TooLarge { url: String, most: usize },
    #[error("{url}: what came has {found}")]
    Digest { url: String, found: String },
    #[error("{url}: {why}")]
    Odd { url: String, why: String },
}
